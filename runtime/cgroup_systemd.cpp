#include "runtime/cgroup_systemd.hpp"

#include "base/error.hpp"
#include "base/host_file.hpp"
#include "base/log.hpp"
#include "runtime/cgroup_delegated.hpp"
#include "runtime/cgroup_devices.hpp"
#include "runtime/cgroup_folders.hpp"
#include "runtime/cgroup_hierarchies.hpp"
#include "runtime/cgroup_settings.hpp"
#include "runtime/systemd_manager.hpp"
#include "runtime/systemd_properties.hpp"

namespace runtime {
namespace {

constexpr std::size_t max_cgroup_text_bytes = 64 * 1024;

/// There systemd makes cgroups as it needs them, controller by controller, and delegates none safely.
void refuse_version_1() {
  for (const Hierarchy& legacy : find_hierarchies().legacy)
    for (const std::string& controller : legacy.controllers)
      if (!controller.starts_with("name="))
        throw base::make_error(base::ErrorKind::unsupported, "with systemd as its manager a container needs cgroup ",
                               "version 2, but this host has the ", controller, " controller in version 1")
            .with_hint("--cgroup-manager=cgroupfs sets limits in both versions");
}

/// Where processes go below the cgroup of the scope: "/container"; "" is the scope itself.
std::string below_scope(const CgroupRecord& record) {
  const std::size_t at = record.unified.rfind(base::concat('/', record.scope));
  const std::size_t end = at == std::string::npos ? at : at + 1 + record.scope.size();
  std::string below = end == std::string::npos ? std::string{} : record.unified.substr(end);
  if (!record.delegated.empty()) below += base::concat('/', record.delegated);
  return below;
}

class SystemdCgroup final : public Cgroup {
 public:
  explicit SystemdCgroup(const CgroupRequest& request)
      : request_(request),
        name_(parse_scope_name(request.cgroups_path, request.container_id, !request.user_runtime_dir.empty())),
        extra_(properties_of_annotations(request.annotations)),
        resources_(parse_resources(request.resources_json)),
        manager_(SystemdManager::connect(request.user_runtime_dir)) {
    refuse_version_1();
    record_.manager = CgroupManager::systemd;
    record_.user_runtime_dir = request.user_runtime_dir;
  }
  explicit SystemdCgroup(const CgroupRecord& record) : record_(record), folders_(FolderCgroup::open(record)) {}

  const CgroupRecord& record() const override { return record_; }
  int clone_fd() const override { return folders_ ? folders_->clone_fd() : -1; }
  void add(pid_t pid) override;
  void enter_delegated() override;
  void set(std::string_view resources_json) override;
  void freeze() override { folders().freeze(); }
  void thaw() override { folders().thaw(); }
  bool is_frozen() const override { return folders_ && folders_->is_frozen(); }
  std::vector<pid_t> processes() const override { return folders_ ? folders_->processes() : std::vector<pid_t>{}; }
  void kill_all() override {
    if (folders_) folders_->kill_all();
  }
  CgroupStatistics statistics() const override { return folders_ ? folders_->statistics() : CgroupStatistics{}; }
  void remove() override;

 private:
  FolderCgroup& folders() const;
  SystemdManager connect() const { return SystemdManager::connect(record_.user_runtime_dir); }
  std::vector<DbusProperty> scope_properties(pid_t pid) const;
  void make_scope(pid_t pid);
  std::string go_below_scope(const std::string& path, pid_t pid) const;
  void stop_scope() const;

  // For making a scope only.
  CgroupRequest request_;
  ScopeName name_;
  std::vector<DbusProperty> extra_;
  Resources resources_;
  std::optional<SystemdManager> manager_;  ///< Until the scope is made: nobody would read the signals that come later.

  CgroupRecord record_;
  std::unique_ptr<FolderCgroup> folders_;
};

FolderCgroup& SystemdCgroup::folders() const {
  if (!folders_) throw base::make_error(base::ErrorKind::in_use, "the scope ", record_.scope, " is not there yet");
  return *folders_;
}

std::vector<DbusProperty> SystemdCgroup::scope_properties(pid_t pid) const {
  std::vector<DbusProperty> properties = {
      {"Description", base::concat("engine container ", request_.container_id)},
      {"Slice", name_.slice},
      {"Delegate", true},
      {"DefaultDependencies", false},  // Ends with its slice, not before the units that use the container.
      {"CollectMode", std::string{"inactive-or-failed"}},
      {"MemoryAccounting", true},
      {"CPUAccounting", true},
      {"TasksAccounting", true},
      {"IOAccounting", true},
      {"PIDs", std::vector<std::uint32_t>{static_cast<std::uint32_t>(pid)}},
  };
  for (DbusProperty& property : properties_of_settings(unified_settings(resources_, ""))) {
    properties.push_back(std::move(property));
  }
  properties.insert(properties.end(), extra_.begin(), extra_.end());  // The last of a name counts.
  return properties;
}

void SystemdCgroup::make_scope(pid_t pid) {
  SystemdManager manager = manager_ ? std::move(*manager_) : connect();
  manager_.reset();
  // When something below fails, our caller ends the process, and systemd forgets a scope that nobody is in.
  manager.start_scope(name_.unit, scope_properties(pid));
  record_.scope = name_.unit;  // Not before: a unit of that name may be another container's, and must not be stopped.
  const auto text = base::try_read_host_file(base::concat("/proc/", pid, "/cgroup"), max_cgroup_text_bytes);
  std::string path = scope_path(text.value_or(""), name_.unit);
  if (path.empty()) {
    throw base::make_error(base::ErrorKind::internal, "systemd made ", name_.unit, ", but process ", pid,
                           " is not in it");
  }
  path = go_below_scope(path, pid);
  folders_ = FolderCgroup::make({.path = path,
                                 .manager = CgroupManager::systemd,
                                 .scope = name_.unit,
                                 .user_runtime_dir = request_.user_runtime_dir,
                                 .is_rootless = request_.is_rootless,
                                 .may_exist = true,
                                 .devices = rules_for(request_.devices),
                                 .owner = request_.owner,
                                 .left_out = request_.left_out,
                                 .delegated = request_.delegated,
                                 .delegated_owner = request_.delegated_owner},
                                resources_);
  record_ = folders_->record();
  if (request_.scope_made) request_.scope_made(record_);
  // Hierarchies of v1 that systemd does not use have a folder of ours.
  if (!record_.legacy.empty()) folders_->add(pid);
}

// Controllers are given on only by a cgroup without processes, so this one is left before any is made below.
std::string SystemdCgroup::go_below_scope(const std::string& path, pid_t pid) const {
  const auto unified = find_hierarchies().unified;
  if (request_.subgroup.empty() || !unified) return path;
  enter_subgroup(unified->mount_point + path, request_.subgroup, pid);
  return base::concat(path, '/', request_.subgroup);
}

void SystemdCgroup::enter_delegated() {
  if (!folders_) return;
  folders_->enter_delegated();
  record_ = folders_->record();
}

void SystemdCgroup::add(pid_t pid) {
  if (!folders_) return make_scope(pid);
  try {
    folders_->add(pid);
  } catch (const base::Error& error) {
    // An ordinary user may not take a process out of a cgroup that is not theirs, such as that of their login session.
    // systemd does it for them.
    if (error.kind() != base::ErrorKind::permission) throw;
    connect().attach(record_.scope, below_scope(record_), pid);
  }
}

void SystemdCgroup::set(std::string_view resources_json) {
  const auto cpu_max = base::try_read_host_file(record_.unified + "/cpu.max", max_cgroup_text_bytes);
  const auto properties =
      properties_of_settings(unified_settings(parse_resources(resources_json), cpu_max.value_or("")));
  if (!properties.empty()) connect().set_properties(record_.scope, properties);
  folders().set(resources_json);
}

// A systemd that is gone, or hangs, must not keep containers from being deleted. It forgets a scope that nobody is in.
void SystemdCgroup::stop_scope() const {
  try {
    connect().stop(record_.scope);
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::unsupported && error.kind() != base::ErrorKind::network) throw;
    base::log(base::LogLevel::warn, record_.scope, " is left to systemd: ", error.message());
  }
}

// The unit first: systemd removes the folders of a unit that has stopped, and would make those of one that has not
// anew.
void SystemdCgroup::remove() {
  // A container that ended long ago may have left its scope's name to another one.
  const bool is_anothers = folders_ && folders_->is_replaced();
  if (!record_.scope.empty() && !is_anothers) stop_scope();
  if (folders_) folders_->remove();
}

}  // namespace

std::unique_ptr<Cgroup> make_systemd_cgroup(const CgroupRequest& request) {
  return std::make_unique<SystemdCgroup>(request);
}

std::unique_ptr<Cgroup> open_systemd_cgroup(const CgroupRecord& record) {
  return std::make_unique<SystemdCgroup>(record);
}

}  // namespace runtime
