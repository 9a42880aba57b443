#include "runtime/cgroup_folder.hpp"

#include <algorithm>
#include <cerrno>
#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <memory>
#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace runtime {
namespace {

constexpr std::size_t max_control_bytes = 64 * 1024 * 1024;  // cgroup.procs with every pid there can be
constexpr std::size_t max_folders = 100'000;
constexpr int max_pause_ms = 20;

struct CloseDirectory {
  void operator()(DIR* stream) const noexcept { ::closedir(stream); }
};

base::UniqueFd open_folder_at(int at, const std::string& name) {
  return base::UniqueFd{::openat(at, name.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
}

/// Names of the cgroups in it; none when it vanished.
std::vector<std::string> children_of(int folder) {
  std::vector<std::string> names;
  base::UniqueFd fd{::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd) return names;
  const std::unique_ptr<DIR, CloseDirectory> stream{::fdopendir(fd.get())};
  if (!stream) return names;
  fd.release();
  while (const dirent* entry = ::readdir(stream.get())) {
    const std::string_view name = entry->d_name;
    if (entry->d_type == DT_DIR && name != "." && name != "..") names.emplace_back(name);
  }
  return names;
}

/// Visits a cgroup and all below: `enter(folder)` on the way down, `leave(parent, name)` for each but the first on the
/// way up. One descriptor at a time, for a container may nest as deeply as it likes. Ends early when the place where it
/// stands is removed.
template <class Enter, class Leave>
void walk_cgroups(int folder, const Enter& enter, const Leave& leave) {
  struct Level {
    std::string name;
    std::vector<std::string> unvisited;
  };
  base::UniqueFd here = open_folder_at(folder, ".");
  if (!here) return;
  enter(here.get());
  std::vector<Level> levels;
  levels.push_back({"", children_of(here.get())});
  for (std::size_t visited = 0;;) {
    Level& level = levels.back();
    if (!level.unvisited.empty()) {
      if (++visited > max_folders) throw base::make_error(base::ErrorKind::corrupt, "there are too many cgroups");
      std::string name = std::move(level.unvisited.back());
      level.unvisited.pop_back();
      base::UniqueFd next = open_folder_at(here.get(), name);
      if (!next) continue;
      here = std::move(next);
      enter(here.get());
      levels.push_back({std::move(name), children_of(here.get())});
      continue;
    }
    const std::string name = std::move(level.name);
    levels.pop_back();
    if (levels.empty()) return;
    here = open_folder_at(here.get(), "..");
    if (!here) return;
    leave(here.get(), name);
  }
}

void append_processes(std::vector<pid_t>& pids, int folder) {
  const auto text = try_read_control(folder, "cgroup.procs");
  if (!text) return;
  for (const std::string_view line : base::split(*text, '\n')) {
    const auto pid = base::parse_unsigned(line);
    if (pid.value_or(0) != 0) pids.push_back(static_cast<pid_t>(*pid));
  }
}

int milliseconds_until(CgroupDeadline deadline) {
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
}

/// v1 reports nothing, so it is asked again after a pause that grows.
void pause_until(CgroupDeadline deadline, int& pause_ms) {
  ::poll(nullptr, 0, std::min(pause_ms, milliseconds_until(deadline)));
  pause_ms = std::min(pause_ms * 2, max_pause_ms);
}

}  // namespace

base::UniqueFd try_open_cgroup(const std::string& path) {
  base::UniqueFd folder = open_folder_at(AT_FDCWD, path);
  if (!folder) {
    if (errno == ENOENT || errno == ENOTDIR) return {};
    throw base::os_error("opening cgroup ", base::quoted(path));
  }
  struct statfs facts {};
  const bool is_known = ::fstatfs(folder.get(), &facts) == 0;
  if (!is_known || (facts.f_type != CGROUP_SUPER_MAGIC && facts.f_type != CGROUP2_SUPER_MAGIC))
    throw base::make_error(base::ErrorKind::corrupt, base::quoted(path), " is not a cgroup");
  return folder;
}

std::uint64_t inode_of_cgroup(int folder) {
  struct stat status {};
  if (::fstat(folder, &status) != 0) throw base::os_error("looking at a cgroup");
  return status.st_ino;
}

bool is_other_cgroup(const std::string& path, std::uint64_t inode) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0 && status.st_ino != inode;
}

std::optional<std::string> try_read_control(int folder, const std::string& file) {
  const base::UniqueFd fd{::openat(folder, file.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) return std::nullopt;
  try {
    return base::read_to_end(fd.get(), max_control_bytes);
  } catch (const base::Error&) {  // ENODEV when the cgroup is gone, EOPNOTSUPP for threaded ones
    return std::nullopt;
  }
}

std::optional<std::uint64_t> try_read_control_number(int folder, const std::string& file) {
  const auto text = try_read_control(folder, file);
  return text ? base::parse_unsigned(base::trim(*text)) : std::nullopt;
}

std::optional<std::uint64_t> value_in(std::string_view text, std::string_view key) {
  for (const std::string_view line : base::split(text, '\n')) {
    const auto fields = base::split_once(line, ' ');
    if (fields && fields->first == key) return base::parse_unsigned(base::trim(fields->second));
  }
  return std::nullopt;
}

int write_control(int folder, const std::string& file, std::string_view value) {
  const base::UniqueFd fd{::openat(folder, file.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) return errno;
  ssize_t written = 0;
  do {
    written = ::write(fd.get(), value.data(), value.size());
  } while (written < 0 && errno == EINTR);
  if (written < 0) return errno;
  return static_cast<std::size_t>(written) == value.size() ? 0 : EIO;
}

std::vector<pid_t> processes_below(int folder) {
  std::vector<pid_t> pids;
  walk_cgroups(
      folder, [&](int cgroup) { append_processes(pids, cgroup); }, [](int, const std::string&) {});
  std::sort(pids.begin(), pids.end());
  pids.erase(std::unique(pids.begin(), pids.end()), pids.end());
  return pids;
}

bool is_populated(int folder) {
  const auto events = try_read_control(folder, "cgroup.events");
  const auto populated = events ? value_in(*events, "populated") : std::nullopt;
  if (populated) return *populated != 0;
  return !processes_below(folder).empty();
}

bool wait_for_cgroup_event(int folder, std::string_view key, std::uint64_t value, CgroupDeadline deadline) {
  const base::UniqueFd events{::openat(folder, "cgroup.events", O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (!events) return true;
  for (;;) {
    // Reading also arms the next report.
    char text[512];
    const ssize_t size = ::pread(events.get(), text, sizeof text, 0);
    if (size < 0) return true;  // ENODEV: removed
    if (value_in({text, static_cast<std::size_t>(size)}, key) == value) return true;
    const int left_ms = milliseconds_until(deadline);
    if (left_ms == 0) return false;
    pollfd entry{.fd = events.get(), .events = POLLPRI, .revents = 0};
    if (::poll(&entry, 1, left_ms) < 0 && errno != EINTR) throw base::os_error("waiting for a cgroup");
  }
}

void remove_cgroups_below(int folder) {
  walk_cgroups(
      folder, [](int) {}, [](int parent, const std::string& name) { ::unlinkat(parent, name.c_str(), AT_REMOVEDIR); });
}

void remove_cgroup(const std::string& path, CgroupDeadline deadline) {
  if (::rmdir(path.c_str()) == 0) return;
  const base::UniqueFd folder = try_open_cgroup(path);
  if (!folder) return;
  const bool has_events = ::faccessat(folder.get(), "cgroup.events", F_OK, 0) == 0;
  for (int pause_ms = 1;;) {
    remove_cgroups_below(folder.get());
    if (::rmdir(path.c_str()) == 0 || errno == ENOENT) return;
    if (errno != EBUSY) throw base::os_error("removing cgroup ", base::quoted(path));
    if (milliseconds_until(deadline) == 0) {
      const std::size_t count = processes_below(folder.get()).size();
      throw base::make_error(base::ErrorKind::in_use, "cgroup ", base::quoted(path), " cannot be removed: it holds ",
                             count, count == 1 ? " process" : " processes");
    }
    if (!has_events || !is_populated(folder.get()))
      pause_until(deadline, pause_ms);
    else
      wait_for_cgroup_event(folder.get(), "populated", 0, deadline);
  }
}

int join_oldest_below(int folder, pid_t pid) {
  base::UniqueFd found;
  pid_t oldest = 0;
  walk_cgroups(
      folder,
      [&](int cgroup) {
        std::vector<pid_t> pids;
        append_processes(pids, cgroup);
        const auto first = std::min_element(pids.begin(), pids.end());
        if (first == pids.end() || (found && *first > oldest)) return;
        oldest = *first;
        found = open_folder_at(cgroup, ".");
      },
      [](int, const std::string&) {});
  return found ? write_control(found.get(), "cgroup.procs", std::to_string(pid)) : EBUSY;
}

std::size_t signal_processes_below(int folder, int signal) {
  struct Member {
    pid_t pid;
    base::UniqueFd process;
  };
  std::vector<Member> members;
  for (const pid_t pid : processes_below(folder)) {
    base::UniqueFd process{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
    if (process) members.push_back({pid, std::move(process)});
  }
  // A number that was given to another process meanwhile is not listed any more.
  const std::vector<pid_t> still_here = processes_below(folder);
  for (const Member& member : members) {
    if (std::binary_search(still_here.begin(), still_here.end(), member.pid))
      ::syscall(SYS_pidfd_send_signal, member.process.get(), signal, nullptr, 0);
  }
  return still_here.size();
}

}  // namespace runtime
