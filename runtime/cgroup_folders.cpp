#include "runtime/cgroup_folders.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/scope_exit.hpp"
#include "runtime/cgroup_delegated.hpp"
#include "runtime/cgroup_devices.hpp"
#include "runtime/cgroup_folder.hpp"
#include "runtime/cgroup_owner.hpp"
#include "runtime/cgroup_statistics.hpp"

namespace runtime {
namespace {

using base::concat;
using base::quoted;

constexpr std::chrono::seconds patience{10};
constexpr int pause_ms = 2;

CgroupDeadline deadline() {
  return std::chrono::steady_clock::now() + patience;
}

void throw_on(int code, const std::string& doing) {
  if (code != 0) throw base::error_from_code(code, doing);
}

void add_to(int folder, const std::string& path, pid_t pid) {
  int code = write_control(folder, "cgroup.procs", std::to_string(pid));
  if (code == EBUSY) code = join_oldest_below(folder, pid);
  if (code == 0) return;
  base::Error error = base::error_from_code(code, concat("moving process ", pid, " to cgroup ", quoted(path)));
  if (code == EBUSY)
    throw std::move(error).with_hint("a cgroup that gives controllers to others takes no processes (cgroups(7))");
  throw error;
}

/// CLONE_INTO_CGROUP may have put it there; moving costs a grace period of the kernel even when nothing changes.
bool is_member(int folder, pid_t pid) {
  const auto text = try_read_control(folder, "cgroup.procs");
  if (!text) return false;
  const auto lines = base::split(*text, '\n');
  return std::find(lines.begin(), lines.end(), std::to_string(pid)) != lines.end();
}

std::string freezer_state(int folder) {
  return std::string{base::trim(try_read_control(folder, "freezer.state").value_or(""))};
}

/// v1 freezes in several attempts, while processes fork: writing again lets it go on.
void set_legacy_freezer(const LegacyFolder& freezer, const char* wanted) {
  const CgroupDeadline end = deadline();
  while (freezer_state(freezer.folder.get()) != wanted) {
    throw_on(write_control(freezer.folder.get(), "freezer.state", wanted),
             concat("setting the freezer of cgroup ", quoted(freezer.path)));
    if (freezer_state(freezer.folder.get()) == wanted) return;
    if (std::chrono::steady_clock::now() >= end) {
      write_control(freezer.folder.get(), "freezer.state", "THAWED");
      throw base::make_error(base::ErrorKind::internal, "cgroup ", quoted(freezer.path), " did not become ", wanted,
                             " in ", patience.count(), " seconds");
    }
    ::poll(nullptr, 0, pause_ms);
  }
}

void freeze_unified(const CgroupFolders& folders) {
  const int folder = folders.unified.get();
  throw_on(write_control(folder, "cgroup.freeze", "1"), concat("freezing cgroup ", quoted(folders.unified_path)));
  if (wait_for_cgroup_event(folder, "frozen", 1, deadline())) return;
  write_control(folder, "cgroup.freeze", "0");
  throw base::make_error(base::ErrorKind::internal, "cgroup ", quoted(folders.unified_path), " did not freeze in ",
                         patience.count(), " seconds: a process waits in the kernel");
}

bool has_unified_freezer(const CgroupFolders& folders) {
  return folders.unified && ::faccessat(folders.unified.get(), "cgroup.freeze", F_OK, 0) == 0;
}

/// v1 counts memory only from when a process is in, so a lower limit is refused by the kernel itself; v2 would kill.
void check_before_update(const CgroupFolders& folders, const MemoryResources& memory) {
  if (!memory.check_before_update || !memory.limit || *memory.limit < 0 || !folders.unified) return;
  const auto usage = try_read_control_number(folders.unified.get(), "memory.current");
  if (usage && *usage > static_cast<std::uint64_t>(*memory.limit))
    throw base::make_error(base::ErrorKind::invalid_argument, "setting linux.resources.memory.limit: ", *memory.limit,
                           " bytes are less than the ", *usage, " in use, and checkBeforeUpdate is set");
}

/// Freezes first, so that nothing forks away from us; frozen processes die when they are thawed.
void kill_one_by_one(FolderCgroup& cgroup, int folder) {
  const CgroupDeadline end = deadline();
  for (;;) {
    bool is_frozen = true;
    try {
      cgroup.freeze();
    } catch (const base::Error&) {
      is_frozen = false;
    }
    const std::size_t count = signal_processes_below(folder, SIGKILL);
    if (is_frozen) cgroup.thaw();
    if (count == 0) return;
    if (std::chrono::steady_clock::now() >= end)
      throw base::make_error(base::ErrorKind::internal, count, " processes of the cgroup cannot be killed");
    ::poll(nullptr, 0, pause_ms);
  }
}

/// Whether it cannot be removed because it never was ours: not even its processes may we choose.
bool is_withheld(const std::string& path, int code) {
  const std::string members = path + "/cgroup.procs";
  return (code == EACCES || code == EPERM || code == EROFS) &&
         ::faccessat(AT_FDCWD, members.c_str(), W_OK, AT_EACCESS) != 0;
}

void tell_left_out(const std::vector<LimitLeftOut>& left_out,
                   const std::function<void(const std::vector<LimitLeftOut>&)>& tell) {
  if (tell)
    tell(left_out);
  else if (!left_out.empty())
    base::log(base::LogLevel::warn, "limits that are not in force: ", describe(left_out));
}

/// Folders that may be ours, if they were made at all.
void remove_empty(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    if (::rmdir(path.c_str()) == 0 || errno == ENOENT) continue;
    base::log(base::LogLevel::info, base::error_from_code(errno, concat("removing cgroup ", quoted(path))).message());
  }
}

}  // namespace

void FolderCgroup::make_folders(const FolderRequest& request, const Hierarchies& hierarchies, CgroupMaking& making) {
  if (hierarchies.unified) {
    const bool is_enterable =
        !request.is_rootless || request.may_exist || may_enter(*hierarchies.unified, request.path);
    if (is_enterable)
      folders_.unified = make_cgroup(*hierarchies.unified, request.path, true, making);
    else
      making.why_none = "no cgroup is delegated to this user";
    if (folders_.unified) {
      record_.unified = folders_.unified_path = hierarchies.unified->mount_point + request.path;
      remember(record_.unified, folders_.unified.get());
    }
  }
  for (const Hierarchy& hierarchy : hierarchies.legacy) {
    base::UniqueFd folder = make_cgroup(hierarchy, request.path, false, making);
    if (!folder) continue;
    const std::string path = hierarchy.mount_point + request.path;
    record_.legacy.emplace_back(base::join(hierarchy.controllers, ","), path);
    remember(path, folder.get());
    folders_.legacy.push_back({hierarchy.controllers, path, std::move(folder)});
  }
}

void FolderCgroup::remember(const std::string& path, int folder) {
  record_.inodes.emplace_back(path, inode_of_cgroup(folder));
}

std::unique_ptr<FolderCgroup> FolderCgroup::make(const FolderRequest& request, const Resources& resources,
                                                 const Hierarchies& hierarchies) {
  std::unique_ptr<FolderCgroup> result{new FolderCgroup};
  result->record_ = {.manager = request.manager, .scope = request.scope, .user_runtime_dir = request.user_runtime_dir};
  result->is_rootless_ = request.is_rootless;
  result->to_delegate_ = request.delegated;
  result->delegated_owner_ = request.delegated_owner;
  CgroupMaking making{.is_rootless = request.is_rootless, .may_exist = request.may_exist, .vacated = request.vacated};
  auto undo = base::on_scope_exit([&] {
    for (auto path = making.made.rbegin(); path != making.made.rend(); ++path) ::rmdir(path->c_str());
  });
  result->make_folders(request, hierarchies, making);
  const std::vector<LimitLeftOut> left_out =
      write_limits(result->folders_, resources,
                   {.is_rootless = request.is_rootless, .problems = making.problems, .why_no_folder = making.why_none});
  write_device_rules(result->folders_, device_rules(resources, request.devices), request.is_rootless, true);
  if (request.owner && result->folders_.unified)
    give_cgroup(result->folders_.unified.get(), *request.owner, request.is_rootless);
  tell_left_out(left_out, request.left_out);
  undo.cancel();
  return result;
}

std::unique_ptr<FolderCgroup> FolderCgroup::open(const CgroupRecord& record) {
  std::unique_ptr<FolderCgroup> result{new FolderCgroup};
  result->record_ = record;
  if (record.is_planned) return result;  // what is in those folders may be anybody's
  if (!record.unified.empty()) result->folders_.unified = result->try_open_own(record.unified);
  result->folders_.unified_path = record.unified;
  if (result->folders_.unified && !record.delegated.empty())
    result->delegated_ = result->try_open_own(base::concat(record.unified, '/', record.delegated));
  for (const auto& [controllers, path] : record.legacy) {
    base::UniqueFd folder = result->try_open_own(path);
    if (!folder) continue;
    LegacyFolder& legacy = result->folders_.legacy.emplace_back();
    for (const std::string_view controller : base::split(controllers, ',')) legacy.controllers.emplace_back(controller);
    legacy.path = path;
    legacy.folder = std::move(folder);
  }
  return result;
}

base::UniqueFd FolderCgroup::try_open_own(const std::string& path) const {
  base::UniqueFd folder = try_open_cgroup(path);
  const auto inode = record_.inode_of(path);
  if (folder && inode && inode_of_cgroup(folder.get()) != *inode) return {};
  return folder;
}

bool FolderCgroup::is_others(const std::string& path) const {
  const auto inode = record_.inode_of(path);
  return inode && is_other_cgroup(path, *inode);
}

std::vector<std::string> FolderCgroup::paths() const {
  std::vector<std::string> paths;
  if (!record_.unified.empty()) paths.push_back(record_.unified);
  for (const auto& [controllers, path] : record_.legacy) paths.push_back(path);
  return paths;
}

bool FolderCgroup::is_replaced() const {
  const std::vector<std::string> all = paths();
  return std::any_of(all.begin(), all.end(), [&](const std::string& path) { return is_others(path); });
}

int FolderCgroup::clone_fd() const {
  return delegated_ ? delegated_.get() : folders_.unified.get();
}

void FolderCgroup::add(pid_t pid) {
  const int folder = clone_fd();
  if (folder >= 0 && !is_member(folder, pid)) add_to(folder, folders_.unified_path, pid);
  for (const LegacyFolder& legacy : folders_.legacy) add_to(legacy.folder.get(), legacy.path, pid);
}

void FolderCgroup::enter_delegated() {
  if (to_delegate_.empty()) return;
  if (folders_.unified) {
    delegate_below(folders_.unified.get(), folders_.unified_path, to_delegate_, delegated_owner_, is_rootless_);
    record_.delegated = to_delegate_;
  } else if (is_rootless_) {
    base::log(base::LogLevel::warn, "no cgroup is delegated to the container, for it has none of version 2");
  } else {
    throw base::make_error(base::ErrorKind::unsupported,
                           "annotation \"run.oci.delegate-cgroup\" needs cgroup version 2");
  }
}

void FolderCgroup::set(std::string_view resources_json) {
  const Resources resources = parse_resources(resources_json);
  check_before_update(folders_, resources.memory);
  const std::vector<LimitLeftOut> left_out = write_limits(folders_, resources, {.is_rootless = is_rootless_});
  if (resources.has_devices) write_device_rules(folders_, device_rules(resources, {}), is_rootless_, false);
  tell_left_out(left_out, {});
}

void FolderCgroup::freeze() {
  if (has_unified_freezer(folders_)) return freeze_unified(folders_);
  const LegacyFolder* freezer = folders_.find_legacy("freezer");
  if (freezer == nullptr)
    throw base::make_error(base::ErrorKind::unsupported, "the container has no cgroup that could be frozen");
  set_legacy_freezer(*freezer, "FROZEN");
}

void FolderCgroup::thaw() {
  const bool is_unified = has_unified_freezer(folders_);
  const LegacyFolder* freezer = folders_.find_legacy("freezer");
  if (!is_unified && freezer == nullptr)
    throw base::make_error(base::ErrorKind::unsupported, "the container has no cgroup that could be thawed");
  if (is_unified)
    throw_on(write_control(folders_.unified.get(), "cgroup.freeze", "0"),
             concat("thawing cgroup ", quoted(folders_.unified_path)));
  if (is_unified) wait_for_cgroup_event(folders_.unified.get(), "frozen", 0, deadline());
  // Also when the other freezer is ours: somebody else may have used this one.
  if (freezer != nullptr && freezer_state(freezer->folder.get()) != "THAWED") set_legacy_freezer(*freezer, "THAWED");
}

bool FolderCgroup::is_frozen() const {
  const auto events = folders_.unified ? try_read_control(folders_.unified.get(), "cgroup.events") : std::nullopt;
  if (events && value_in(*events, "frozen") == 1) return true;
  const LegacyFolder* freezer = folders_.find_legacy("freezer");
  return freezer != nullptr && freezer_state(freezer->folder.get()) == "FROZEN";
}

int FolderCgroup::member_folder() const {
  if (folders_.unified) return folders_.unified.get();
  if (const LegacyFolder* freezer = folders_.find_legacy("freezer")) return freezer->folder.get();
  return folders_.legacy.empty() ? -1 : folders_.legacy.front().folder.get();
}

std::vector<pid_t> FolderCgroup::processes() const {
  const int folder = member_folder();
  return folder < 0 ? std::vector<pid_t>{} : processes_below(folder);
}

void FolderCgroup::kill_all() {
  const int folder = member_folder();
  if (folder < 0) return;
  if (!folders_.unified) return kill_one_by_one(*this, folder);
  const int code = write_control(folder, "cgroup.kill", "1");  // Linux 5.14
  if (code == 0 || code == ENODEV) return;
  if (code != ENOENT && code != EOPNOTSUPP)
    throw base::error_from_code(code, concat("killing cgroup ", quoted(folders_.unified_path)));
  kill_one_by_one(*this, folder);
}

CgroupStatistics FolderCgroup::statistics() const {
  return read_cgroup_statistics(folders_);
}

void FolderCgroup::remove() {
  if (record_.is_planned) return remove_empty(paths());
  const CgroupDeadline end = deadline();
  std::optional<base::Error> failure;
  for (const std::string& path : paths()) {
    if (is_others(path)) continue;
    try {
      remove_cgroup(path, end);
    } catch (const base::Error& error) {
      if (is_withheld(path, error.code()))
        base::log(base::LogLevel::warn, "cgroup ", quoted(path), " stays: it belongs to another user");
      else if (!failure)
        failure = error;
    }
  }
  if (failure) throw *std::move(failure);
}

}  // namespace runtime
