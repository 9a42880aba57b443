#include "engine/start_cgroup.hpp"

#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "engine/container_cgroup.hpp"
#include "engine/oci_id_maps.hpp"
#include "engine/resource_limits.hpp"
#include "runtime/cgroup_hierarchies.hpp"
#include "runtime/cgroup_resources.hpp"

namespace engine {

using base::concat;
using base::ErrorKind;
using runtime::CgroupManager;
using runtime::LimitLeftOut;

namespace {

bool asks_for_cgroup(const storage::ContainerRecord& record, const std::string& resources) {
  if (record.cgroups == "disabled") return false;
  return !resources.empty() || !record.cgroup_parent.empty() || record.cgroups == "split";
}

/// linux.cgroupsPath: where it shall be.
std::string cgroups_path(const storage::ContainerRecord& record, CgroupManager manager) {
  if (manager == CgroupManager::systemd)
    return record.cgroup_parent.empty() ? std::string{} : concat(record.cgroup_parent, ":engine:", record.id);
  return record.cgroup_parent.empty() ? std::string{} : concat(record.cgroup_parent, "/", record.id);
}

const char* remedy() {
  return oci_is_rootless() ? "on a host with systemd and cgroup v2, loginctl enable-linger and log in again; else run "
                             "engine as root"
                           : "engine needs /sys/fs/cgroup to be writable, with the controllers in question";
}

/// Limits that nobody named: swap as much as memory, and what containers.conf has for all containers.
bool is_default(const std::string& field, const runtime::Resources& resources, const Config& config) {
  if (field == "memory.swap")
    return resources.memory.limit && resources.memory.swap && *resources.memory.swap == 2 * *resources.memory.limit;
  return field == "pids.limit" && config.pids_limit != 0 && resources.pids_limit == config.pids_limit;
}

void warn_of(const std::vector<LimitLeftOut>& left_out) {
  std::vector<std::string> reasons;
  for (const LimitLeftOut& one : left_out)
    if (std::find(reasons.begin(), reasons.end(), one.reason) == reasons.end()) reasons.push_back(one.reason);
  for (const std::string& reason : reasons) {
    std::vector<std::string> options;
    for (const LimitLeftOut& one : left_out) {
      std::string option = option_of_field(one.field);
      if (one.reason == reason && std::find(options.begin(), options.end(), option) == options.end())
        options.push_back(std::move(option));
    }
    const bool is_unknown_here = reason.find("equivalent") != std::string::npos;
    base::log(base::LogLevel::warn, base::join(options, ", "), options.size() == 1 ? " is" : " are",
              " not enforced: ", reason, is_unknown_here ? "" : concat("; ", remedy()));
  }
}

/// Why there is none of its own, when it is not a limit that says so.
void warn_of_none(const std::string& why) {
  base::log(base::LogLevel::warn, "the container has no cgroup of its own, and its limits are not enforced: ", why,
            "; ", remedy());
}

/// One attempt with one manager. nullptr: nothing could be made, and request.left_out was told why.
std::unique_ptr<runtime::Cgroup> make(const storage::ContainerDir& container, runtime::CgroupRequest request,
                                      bool has_device_rules) {
  runtime::CgroupPlan plan = runtime::plan_cgroup(std::move(request));
  // Root, too, may be where not all limits can be had; but rules for devices are not left out in silence.
  if (!has_device_rules) plan.request.is_rootless = true;
  save_container_cgroup(container, plan.record);
  std::unique_ptr<runtime::Cgroup> cgroup = runtime::Cgroup::make(plan);
  const runtime::CgroupRecord& made = cgroup->record();
  if (made.manager == CgroupManager::cgroupfs && made.unified.empty() && made.legacy.empty()) {
    remove_container_cgroup(container);
    return nullptr;
  }
  save_container_cgroup(container, made);
  return cgroup;
}

/// Values that are wrong anywhere, and names that others have: no other manager helps.
bool is_final(const base::Error& error) {
  return error.kind() == ErrorKind::invalid_argument || error.kind() == ErrorKind::in_use ||
         error.kind() == ErrorKind::corrupt;
}

}  // namespace

namespace {

/// What the files say; options were looked at before.
void check_configured(std::string_view key, const std::string& value, std::initializer_list<std::string_view> known) {
  if (std::find(known.begin(), known.end(), value) != known.end()) return;
  throw base::make_error(ErrorKind::invalid_argument, "containers.conf: ", key, " ", base::quoted(value),
                         " is not one of ", base::join(std::vector<std::string>(known.begin(), known.end()), ", "));
}

}  // namespace

CgroupManager choose_cgroup_manager(const Config& config) {
  if (config.cgroup_manager == "cgroupfs") return CgroupManager::cgroupfs;
  if (config.cgroup_manager == "systemd") return CgroupManager::systemd;
  if (::access("/run/systemd/system", F_OK) != 0) return CgroupManager::cgroupfs;
  const std::string private_socket = oci_user_runtime_dir() + "/systemd/private";
  const bool is_served = !oci_is_rootless() || ::access(private_socket.c_str(), F_OK) == 0 ||
                         ::access((oci_user_runtime_dir() + "/bus").c_str(), F_OK) == 0;
  return is_served ? CgroupManager::systemd : CgroupManager::cgroupfs;
}

std::string name_of_cgroup_manager(const Config& config) {
  return choose_cgroup_manager(config) == CgroupManager::systemd ? "systemd" : "cgroupfs";
}

std::string resources_of_new(const Config& config, const RunOptions& options) {
  check_cgroup_parent(config, options.cgroup_parent);
  cgroups_mode_of_new(config, options);  // refused before anything is said or made
  LimitWords words = options.limits;
  std::string& pids = words.values["pids-limit"];
  if (pids.empty() && config.pids_limit > 0) pids = concat(config.pids_limit);
  // What is no limit needs no cgroup.
  for (const char* option : {"pids-limit", "cpu-quota"})
    if (base::parse_signed(words.values[option]).value_or(0) <= 0) words.values[option].clear();
  if (options.oom_kill_disable) words.values["oom-kill-disable"] = "true";
  std::vector<std::string>& settings = words.lists["cgroup-conf"];
  if (settings.empty()) settings = config.cgroup_conf;
  if (!words.lists["device-cgroup-rule"].empty() && oci_is_rootless())
    throw base::make_error(ErrorKind::unsupported,
                           "--device-cgroup-rule: only root may say which devices a cgroup has, and an ordinary user's "
                           "containers cannot make device nodes anyway")
        .with_hint("--device PATH gives the container a device that you may use yourself");
  std::string resources = resources_of(words);
  runtime::check_resources(resources);
  return resources;
}

std::string cgroups_mode_of_new(const Config& config, const RunOptions& options) {
  const std::string& mode = options.cgroups.empty() ? config.default_cgroups : options.cgroups;
  check_configured("cgroups", mode, {"enabled", "disabled", "no-conmon", "split"});
  check_configured("cgroup_manager", config.cgroup_manager, {"", "systemd", "cgroupfs"});
  if (mode == "split" && !options.cgroup_parent.empty())
    throw base::make_error(ErrorKind::invalid_argument, "--cgroups split and --cgroup-parent cannot be set together");
  if (mode == "disabled" && !options.cgroup_parent.empty())
    throw base::make_error(ErrorKind::invalid_argument,
                           "--cgroups disabled and --cgroup-parent cannot be set together");
  return mode == "enabled" ? std::string{} : mode;
}

void check_cgroup_parent(const Config& config, const std::string& parent) {
  if (parent.empty()) return;
  const bool is_slice = parent.ends_with(".slice") && parent.find('/') == std::string::npos;
  if (choose_cgroup_manager(config) == CgroupManager::systemd && !is_slice)
    throw base::make_error(ErrorKind::invalid_argument, "--cgroup-parent ", base::quoted(parent),
                           " is not a slice of systemd, which manages cgroups here")
        .with_hint("a name such as my.slice; or a path with --cgroup-manager cgroupfs");
}

std::unique_ptr<runtime::Cgroup> start_cgroup(Engine& engine, const storage::ContainerDir& container,
                                              const storage::ContainerRecord& record, const runtime::Spec& spec) {
  const std::string& resources = spec.linux.resources_json;
  if (!asks_for_cgroup(record, resources)) return nullptr;
  const runtime::Resources parsed = runtime::parse_resources(resources);
  const auto note = [parsed, &config = engine.config](const std::vector<LimitLeftOut>& left_out) {
    std::vector<LimitLeftOut> named = left_out;
    std::erase_if(named, [&](const LimitLeftOut& one) { return is_default(one.field, parsed, config); });
    warn_of(named);
  };
  std::string why;
  CgroupManager manager = record.cgroups == "split" ? CgroupManager::cgroupfs : choose_cgroup_manager(engine.config);
  for (;; manager = CgroupManager::cgroupfs) {
    try {
      runtime::CgroupRequest request = cgroup_request(container, resources, manager);
      request.cgroups_path = cgroups_path(record, manager);
      request.is_split = record.cgroups == "split";
      request.left_out = note;
      auto cgroup = make(container, std::move(request), parsed.has_devices);
      if (!cgroup && resources.empty()) warn_of_none("none is delegated to this user");
      return cgroup;
    } catch (const base::Error& error) {
      remove_container_cgroup(container);
      if (is_final(error)) throw;
      if (why.empty()) why = error.message();
      if (manager == CgroupManager::cgroupfs) break;
    }
  }
  warn_of_none(why);
  return nullptr;
}

base::UniqueFd note_started_cgroup(const storage::ContainerDir& container, const runtime::Cgroup& cgroup) {
  const runtime::CgroupRecord& record = cgroup.record();
  save_container_cgroup(container, record);
  for (const auto& [controllers, path] : record.legacy)
    if (controllers.find("memory") != std::string::npos)
      return base::UniqueFd{::open((path + "/memory.oom_control").c_str(), O_RDONLY | O_CLOEXEC)};
  if (record.unified.empty()) return {};
  return base::UniqueFd{::open((record.unified + "/memory.events").c_str(), O_RDONLY | O_CLOEXEC)};
}

std::string cgroup_path_of(const storage::ContainerDir& container) {
  const auto cgroup = find_container_cgroup(container);
  if (!cgroup) return {};
  const runtime::CgroupRecord& record = cgroup->record();
  const runtime::Hierarchies hierarchies = runtime::find_hierarchies();
  if (!record.unified.empty() && hierarchies.unified && record.unified.starts_with(hierarchies.unified->mount_point))
    return record.unified.substr(hierarchies.unified->mount_point.size());
  for (const runtime::Hierarchy& hierarchy : hierarchies.legacy)
    for (const auto& [controllers, path] : record.legacy)
      if (path.starts_with(hierarchy.mount_point + "/")) return path.substr(hierarchy.mount_point.size());
  return {};
}

}  // namespace engine
