#include "base/json_writer.hpp"
#include "runtime/spec.hpp"

// Members are written in the order of the runtime-spec's own examples; what is empty or default is left out.

namespace runtime {
namespace {

using base::JsonWriter;

template <class List, class Write>
void write_array(JsonWriter& json, std::string_view name, const List& list, const Write& write) {
  if (list.empty()) return;
  json.key(name).begin_array();
  for (const auto& entry : list) write(json, entry);
  json.end_array();
}

void write_texts(JsonWriter& json, std::string_view name, const std::vector<std::string>& texts) {
  if (!texts.empty()) json.member(name, texts);
}

void write_text(JsonWriter& json, std::string_view name, const std::string& text) {
  if (!text.empty()) json.member(name, text);
}

void write_user(JsonWriter& json, const User& user) {
  json.key("user").begin_object();
  json.member("uid", user.uid).member("gid", user.gid);
  if (user.umask) json.member("umask", *user.umask);
  write_array(json, "additionalGids", user.additional_gids, [](JsonWriter& to, std::uint32_t gid) { to.value(gid); });
  json.end_object();
}

void write_capabilities(JsonWriter& json, const Capabilities& capabilities) {
  json.key("capabilities").begin_object();
  write_texts(json, "bounding", capabilities.bounding);
  write_texts(json, "effective", capabilities.effective);
  write_texts(json, "inheritable", capabilities.inheritable);
  write_texts(json, "permitted", capabilities.permitted);
  write_texts(json, "ambient", capabilities.ambient);
  json.end_object();
}

void write_rlimit(JsonWriter& json, const Rlimit& rlimit) {
  json.begin_object();
  json.member("type", rlimit.type).member("hard", rlimit.hard).member("soft", rlimit.soft);
  json.end_object();
}

void write_scheduler(JsonWriter& json, const Scheduler& scheduler) {
  json.key("scheduler").begin_object();
  json.member("policy", scheduler.policy);
  if (scheduler.nice != 0) json.member("nice", scheduler.nice);
  if (scheduler.priority != 0) json.member("priority", scheduler.priority);
  write_texts(json, "flags", scheduler.flags);
  if (scheduler.runtime != 0) json.member("runtime", scheduler.runtime);
  if (scheduler.deadline != 0) json.member("deadline", scheduler.deadline);
  if (scheduler.period != 0) json.member("period", scheduler.period);
  json.end_object();
}

void write_scheduling(JsonWriter& json, const Process& process) {
  if (process.scheduler) write_scheduler(json, *process.scheduler);
  if (process.io_priority) {
    json.key("ioPriority").begin_object();
    json.member("class", process.io_priority->priority_class).member("priority", process.io_priority->priority);
    json.end_object();
  }
  if (process.exec_cpu_affinity) {
    json.key("execCPUAffinity").begin_object();
    write_text(json, "initial", process.exec_cpu_affinity->initial);
    write_text(json, "final", process.exec_cpu_affinity->final);
    json.end_object();
  }
}

void write_process(JsonWriter& json, const Process& process) {
  json.begin_object();
  if (process.terminal) json.member("terminal", true);
  if (process.console_size.height != 0 || process.console_size.width != 0) {
    json.key("consoleSize").begin_object();
    json.member("height", process.console_size.height).member("width", process.console_size.width);
    json.end_object();
  }
  write_user(json, process.user);
  json.member("args", process.args);
  write_texts(json, "env", process.env);
  json.member("cwd", process.cwd);
  write_capabilities(json, process.capabilities);
  write_array(json, "rlimits", process.rlimits, write_rlimit);
  if (process.no_new_privileges) json.member("noNewPrivileges", true);
  write_text(json, "apparmorProfile", process.apparmor_profile);
  write_text(json, "selinuxLabel", process.selinux_label);
  if (process.oom_score_adj) json.member("oomScoreAdj", *process.oom_score_adj);
  write_scheduling(json, process);
  json.end_object();
}

void write_mapping(JsonWriter& json, const IdMapping& mapping) {
  json.begin_object();
  json.member("containerID", mapping.container_id).member("hostID", mapping.host_id).member("size", mapping.size);
  json.end_object();
}

void write_mount(JsonWriter& json, const Mount& mount) {
  json.begin_object();
  json.member("destination", mount.destination);
  write_text(json, "type", mount.type);
  write_text(json, "source", mount.source);
  write_texts(json, "options", mount.options);
  write_array(json, "uidMappings", mount.uid_mappings, write_mapping);
  write_array(json, "gidMappings", mount.gid_mappings, write_mapping);
  json.end_object();
}

void write_hook(JsonWriter& json, const Hook& hook) {
  json.begin_object();
  json.member("path", hook.path);
  write_texts(json, "args", hook.args);
  write_texts(json, "env", hook.env);
  if (hook.timeout_seconds) json.member("timeout", *hook.timeout_seconds);
  json.end_object();
}

void write_hooks(JsonWriter& json, const Hooks& hooks) {
  JsonWriter inner;
  inner.begin_object();
  write_array(inner, "prestart", hooks.prestart, write_hook);
  write_array(inner, "createRuntime", hooks.create_runtime, write_hook);
  write_array(inner, "createContainer", hooks.create_container, write_hook);
  write_array(inner, "startContainer", hooks.start_container, write_hook);
  write_array(inner, "poststart", hooks.poststart, write_hook);
  write_array(inner, "poststop", hooks.poststop, write_hook);
  inner.end_object();
  if (inner.text() != "{}") json.key("hooks").raw(inner.text());
}

void write_namespace(JsonWriter& json, const Namespace& entry) {
  json.begin_object();
  json.member("type", entry.type);
  write_text(json, "path", entry.path);
  json.end_object();
}

void write_device(JsonWriter& json, const Device& device) {
  json.begin_object();
  json.member("path", device.path).member("type", std::string_view{&device.type, 1});
  if (device.type != 'p') json.member("major", device.major).member("minor", device.minor);
  if (device.file_mode) json.member("fileMode", static_cast<unsigned>(*device.file_mode));
  json.member("uid", device.uid).member("gid", device.gid);
  json.end_object();
}

void write_intel_rdt(JsonWriter& json, const IntelRdt& rdt) {
  json.key("intelRdt").begin_object();
  write_text(json, "closID", rdt.class_id);
  write_text(json, "l3CacheSchema", rdt.l3_cache_schema);
  write_text(json, "memBwSchema", rdt.memory_bandwidth_schema);
  write_texts(json, "schemata", rdt.schemata);
  if (rdt.enable_monitoring) json.member("enableMonitoring", true);
  json.end_object();
}

void write_tuning(JsonWriter& json, const Linux& linux_part) {
  if (!linux_part.time_offsets.empty()) {
    json.key("timeOffsets").begin_object();
    for (const TimeOffset& offset : linux_part.time_offsets) {
      json.key(offset.clock).begin_object();
      json.member("secs", offset.seconds).member("nanosecs", offset.nanoseconds);
      json.end_object();
    }
    json.end_object();
  }
  if (linux_part.personality) {
    json.key("personality").begin_object();
    json.member("domain", *linux_part.personality);
    json.end_object();
  }
  if (linux_part.memory_policy) {
    json.key("memoryPolicy").begin_object();
    json.member("mode", linux_part.memory_policy->mode);
    write_text(json, "nodes", linux_part.memory_policy->nodes);
    write_texts(json, "flags", linux_part.memory_policy->flags);
    json.end_object();
  }
  if (linux_part.intel_rdt) write_intel_rdt(json, *linux_part.intel_rdt);
  if (!linux_part.net_devices.empty()) {
    json.key("netDevices").begin_object();
    for (const auto& [name, inside] : linux_part.net_devices) {
      json.key(name).begin_object();
      json.member("name", inside);
      json.end_object();
    }
    json.end_object();
  }
}

void write_linux(JsonWriter& json, const Linux& linux_part) {
  json.begin_object();
  write_array(json, "uidMappings", linux_part.uid_mappings, write_mapping);
  write_array(json, "gidMappings", linux_part.gid_mappings, write_mapping);
  if (!linux_part.sysctl.empty()) json.member("sysctl", linux_part.sysctl);
  if (!linux_part.resources_json.empty()) json.key("resources").raw(linux_part.resources_json);
  write_text(json, "cgroupsPath", linux_part.cgroups_path);
  write_array(json, "namespaces", linux_part.namespaces, write_namespace);
  write_array(json, "devices", linux_part.devices, write_device);
  if (!linux_part.seccomp_json.empty()) json.key("seccomp").raw(linux_part.seccomp_json);
  write_text(json, "rootfsPropagation", linux_part.rootfs_propagation);
  write_texts(json, "maskedPaths", linux_part.masked_paths);
  write_texts(json, "readonlyPaths", linux_part.readonly_paths);
  write_text(json, "mountLabel", linux_part.mount_label);
  write_tuning(json, linux_part);
  json.end_object();
}

void write_spec_to(JsonWriter& json, const Spec& spec) {
  json.begin_object();
  json.member("ociVersion", spec.oci_version);
  if (spec.has_process) {
    json.key("process");
    write_process(json, spec.process);
  }
  json.key("root").begin_object();
  json.member("path", spec.root_path);
  if (spec.root_readonly) json.member("readonly", true);
  json.end_object();
  write_text(json, "hostname", spec.hostname);
  write_text(json, "domainname", spec.domainname);
  write_array(json, "mounts", spec.mounts, write_mount);
  write_hooks(json, spec.hooks);
  if (!spec.annotations.empty()) json.member("annotations", spec.annotations);
  json.key("linux");
  write_linux(json, spec.linux);
  json.end_object();
}

}  // namespace

std::string write_spec(const Spec& spec) {
  JsonWriter json;
  write_spec_to(json, spec);
  return json.take();
}

std::string write_spec_indented(const Spec& spec) {
  JsonWriter json{4};
  write_spec_to(json, spec);
  return json.take();
}

}  // namespace runtime
