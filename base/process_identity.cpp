#include "base/process_identity.hpp"

#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <string_view>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"

namespace base {
namespace {

constexpr std::size_t max_stat_bytes = 4096;
constexpr decltype(statfs::f_type) pidfs_magic = 0x50494446;  // PID_FS_MAGIC of linux/magic.h, since Linux 6.9
constexpr std::size_t state_field = 0;                        // third of proc(5), first after the name
constexpr std::size_t start_time_field = 19;                  // 22nd of proc(5)

std::optional<std::uint64_t> start_time_of(pid_t pid) {
  std::optional<std::string> text;
  try {
    text = try_read_file(AT_FDCWD, concat("/proc/", pid, "/stat"), max_stat_bytes);
  } catch (const Error& error) {
    if (error.code() != ESRCH) throw;  // ended between opening and reading
  }
  if (!text) return std::nullopt;
  // The name stands in parentheses and may contain blanks and parentheses itself.
  const std::size_t name_end = text->rfind(") ");
  if (name_end == std::string::npos) return std::nullopt;
  const auto fields = split(std::string_view{*text}.substr(name_end + 2), ' ');
  if (fields.size() <= start_time_field || fields[state_field] == "Z" || fields[state_field] == "X")
    return std::nullopt;
  return parse_unsigned(fields[start_time_field]);
}

UniqueFd open_any_process(pid_t pid) {
  UniqueFd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  if (!pidfd && errno != ESRCH && errno != EINVAL) throw os_error("opening process ", pid);
  return pidfd;
}

/// 0 where there is no pidfd to be had: an old kernel, or a filter around us.
std::uint64_t inode_of(const UniqueFd& pidfd) {
  struct stat opened {};
  if (!pidfd) return 0;
  if (::fstat(pidfd.get(), &opened) != 0) throw os_error("examining a process");
  return opened.st_ino;
}

/// The start time is looked up after the pidfd was opened: should the number have been reused before, the two differ.
std::optional<ProcessIdentity> identify(pid_t pid, const UniqueFd& pidfd) {
  const std::uint64_t inode = inode_of(pidfd);
  const auto start_time = start_time_of(pid);
  if (!start_time) return std::nullopt;
  return ProcessIdentity{.pid = pid, .start_time = *start_time, .inode = inode};
}

/// Whether each process has an inode of its own, which no later one gets (pidfs).
bool has_own_inode(const UniqueFd& pidfd) {
  static const bool is_pidfs = [&] {
    struct statfs opened {};
    return sizeof(ino_t) == sizeof(std::uint64_t) && ::fstatfs(pidfd.get(), &opened) == 0 &&
           opened.f_type == pidfs_magic;
  }();
  return is_pidfs;
}

bool has_ended(const UniqueFd& pidfd) {
  pollfd ended{pidfd.get(), POLLIN, 0};
  return ::poll(&ended, 1, 0) != 0;  // pidfd_open(2): readable when it has
}

}  // namespace

std::optional<ProcessIdentity> identify_process(pid_t pid) {
  return identify(pid, UniqueFd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))});
}

ProcessIdentity identify_or_none(pid_t pid) {
  return identify_process(pid).value_or(ProcessIdentity{.pid = pid});
}

UniqueFd open_process(const ProcessIdentity& process) {
  if (process.pid <= 0) return {};
  UniqueFd pidfd = open_any_process(process.pid);
  if (!pidfd) return {};
  // Lists ask this of a thousand processes, and /proc takes ten times as long.
  if (process.inode != 0 && has_own_inode(pidfd)) {
    if (inode_of(pidfd) != process.inode || has_ended(pidfd)) return {};
    return pidfd;
  }
  auto found = identify(process.pid, pidfd);
  if (found && process.inode == 0) found->inode = 0;
  if (found != process) return {};
  return pidfd;
}

}  // namespace base
