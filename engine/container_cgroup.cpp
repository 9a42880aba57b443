#include "engine/container_cgroup.hpp"

#include <algorithm>
#include <cerrno>
#include <limits>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "base/json_writer.hpp"
#include "base/log.hpp"
#include "engine/container_processes.hpp"
#include "engine/launch.hpp"
#include "engine/oci_id_maps.hpp"
#include "engine/start_cgroup.hpp"
#include "runtime/stub/monitor_plan.h"

namespace engine {

using base::concat;
using base::ErrorKind;
using base::make_error;

namespace {

constexpr const char* file_name = "cgroup";
constexpr std::size_t max_file_bytes = 64 * 1024;
constexpr int max_moves = 16;  // each further one means that the container forks faster than we look

/// What the container may use of devices was decided when its /dev was made.
constexpr const char* all_devices = R"({"devices":[{"allow":true,"access":"rwm"}])";

std::optional<runtime::CgroupRecord> load(const storage::ContainerDir& container) {
  const auto bytes = base::try_read_file(container.dir.get(), file_name, max_file_bytes);
  if (!bytes) return std::nullopt;
  const base::JsonAt json = base::JsonAt::parse(*bytes, concat("cgroup of container ", container.id));
  runtime::CgroupRecord record;
  record.manager = json.at("systemd").boolean() ? runtime::CgroupManager::systemd : runtime::CgroupManager::cgroupfs;
  record.unified = json.at("unified").string();
  record.legacy = json.at("legacy").string_map();
  record.scope = json.at("scope").string();
  record.user_runtime_dir = json.at("userRuntimeDir").string();
  record.is_planned = json.at("planned").boolean();
  for (const auto& [path, inode] : json.at("inodes").members())
    record.inodes.emplace_back(path, inode.unsigned_integer());
  return record;
}

base::Error none_possible(const std::string& why) {
  return make_error(ErrorKind::unsupported, "the container can have no cgroup of its own here: ", why)
      .with_hint(
          "on a host with systemd and cgroup v2: loginctl enable-linger, and log in again; else run engine as root");
}

/// Where there are no rules for devices, all that is in the container's /dev may be used.
std::string with_devices(const std::string& resources) {
  if (resources.starts_with(R"({"devices":)")) return resources;
  // Both are objects: the second goes on where the first ends.
  return resources.size() > 2 ? base::concat(all_devices, ",", resources.substr(1)) : base::concat(all_devices, "}");
}

/// What could not be done at the making is an error of what is done with the cgroup then: no warning before it.
class Quiet {
 public:
  Quiet() : was_loud_(base::is_logged(base::LogLevel::warn) && !base::is_logged(base::LogLevel::info)) {
    if (was_loud_) base::set_log_level(base::LogLevel::error);
  }
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;
  ~Quiet() {
    if (was_loud_) base::set_log_level(base::LogLevel::warn);
  }

 private:
  bool was_loud_;
};

/// Until nobody is outside: a process that forks while it is moved leaves a child behind.
void move_all(runtime::Cgroup& cgroup, pid_t init) {
  for (int move = 0; move < max_moves; ++move) {
    const std::vector<pid_t> inside = cgroup.processes();
    bool moved = false;
    for (const ProcessFacts& process : container_processes(init)) {
      if (process.state == 'Z' || std::find(inside.begin(), inside.end(), process.host_pid) != inside.end()) continue;
      try {
        cgroup.add(process.host_pid);
      } catch (const base::Error& error) {
        if (error.code() != ESRCH) throw;  // it has ended meanwhile
      }
      moved = true;
    }
    if (!moved && !inside.empty()) return;
  }
  throw make_error(ErrorKind::unsupported, "its processes cannot all be moved");
}

/// Its monitor counts kills for want of memory from now on. One without a monitor has nobody who would record them.
void tell_monitor(Engine& engine, const storage::ContainerDir& container, const base::UniqueFd& oom_count) {
  if (!oom_count) return;
  try {
    connect_attach(engine.store(), container.id)
        .send(std::string(1, static_cast<char>(ATTACH_OOM_COUNT)), {oom_count.get()});
  } catch (const base::Error& error) {
    base::log(base::LogLevel::debug, error.message());
  }
}

}  // namespace

void save_container_cgroup(const storage::ContainerDir& container, const runtime::CgroupRecord& record) {
  base::JsonWriter json;
  json.begin_object().member("version", 1);
  json.member("systemd", record.manager == runtime::CgroupManager::systemd).member("unified", record.unified);
  json.member("legacy", record.legacy).member("scope", record.scope).member("userRuntimeDir", record.user_runtime_dir);
  json.member("planned", record.is_planned).key("inodes").begin_object();
  for (const auto& [path, inode] : record.inodes) json.member(path, inode);
  json.end_object().end_object();
  base::write_file_atomically(container.dir.get(), file_name, json.text(), base::Durability::volatile_);
}

runtime::CgroupRequest cgroup_request(const storage::ContainerDir& container, const std::string& resources,
                                      runtime::CgroupManager manager) {
  runtime::CgroupRequest request;
  request.container_id = container.id;
  request.resources_json = with_devices(resources);
  request.is_rootless = oci_is_rootless();
  request.manager = manager;
  if (manager == runtime::CgroupManager::systemd && request.is_rootless)
    request.user_runtime_dir = oci_user_runtime_dir();
  request.scope_made = [&container](const runtime::CgroupRecord& record) { save_container_cgroup(container, record); };
  return request;
}

bool has_cgroup(const storage::ContainerDir& container) {
  return base::exists(container.dir.get(), file_name);
}

std::unique_ptr<runtime::Cgroup> find_container_cgroup(const storage::ContainerDir& container) {
  try {
    const auto record = load(container);
    return record ? runtime::Cgroup::open(*record) : nullptr;
  } catch (const base::Error& error) {
    base::log(base::LogLevel::debug, error.message());
    return nullptr;
  }
}

std::unique_ptr<runtime::Cgroup> container_cgroup(Engine& engine, const storage::ContainerDir& container,
                                                  const base::FileLock&, const Observed& observed,
                                                  const std::string& resources_json) {
  if (auto found = find_container_cgroup(container)) {
    const std::vector<pid_t> inside = found->processes();
    if (std::find(inside.begin(), inside.end(), observed.state.process.pid) != inside.end()) return found;
  }
  try {
    const Quiet quiet;
    const runtime::CgroupPlan plan =
        runtime::plan_cgroup(cgroup_request(container, resources_json, choose_cgroup_manager(engine.config)));
    save_container_cgroup(container, plan.record);
    std::unique_ptr<runtime::Cgroup> cgroup = runtime::Cgroup::make(plan);
    save_container_cgroup(container, cgroup->record());
    move_all(*cgroup, observed.state.process.pid);
    tell_monitor(engine, container, note_started_cgroup(container, *cgroup));
    cgroup = find_container_cgroup(container);  // one for which a limit that cannot be set is an error
    if (!cgroup) throw make_error(ErrorKind::unsupported, "it is gone again");
    return cgroup;
  } catch (const base::Error& error) {
    remove_container_cgroup(container);
    throw none_possible(error.message());
  }
}

bool is_paused(const storage::ContainerDir& container) {
  const auto cgroup = find_container_cgroup(container);
  return cgroup && cgroup->is_frozen();
}

void let_killed_end(const storage::ContainerDir& container, const Observed& observed) {
  if (!observed.is_paused()) return;
  if (const auto cgroup = find_container_cgroup(container)) cgroup->thaw();
}

void remove_cgroup_if_ended(const storage::ContainerDir& container, const std::string& boot_id) noexcept {
  try {
    if (!has_cgroup(container) || storage::is_monitored(container)) return;
    const auto alive = storage::try_lock_alive(container);
    if (alive && !observe(container, boot_id).is_running()) remove_container_cgroup(container);
  } catch (const base::Error& error) {
    base::log(base::LogLevel::debug, "the cgroup of container ", container.id, ": ", error.message());
  }
}

void remove_container_cgroup(const storage::ContainerDir& container) noexcept {
  try {
    if (!has_cgroup(container)) return;
    if (const auto cgroup = find_container_cgroup(container)) cgroup->remove();
    base::unlink_file(container.dir.get(), file_name);
  } catch (const base::Error& error) {
    base::log(base::LogLevel::debug, "the cgroup of container ", container.id, " stays: ", error.message());
  }
}

}  // namespace engine
