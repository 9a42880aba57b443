#include "runtime/spec_linux.hpp"

#include <algorithm>
#include <iterator>
#include <set>

#include "runtime/mount_options.hpp"
#include "runtime/spec_text.hpp"

namespace runtime {
namespace {

using base::JsonAt;

constexpr std::string_view namespace_types[] = {"pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"};

constexpr std::string_view ipc_sysctls[] = {
    "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
    "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
};

std::vector<IdMapping> parse_mappings(const JsonAt& json) {
  std::vector<IdMapping> mappings;
  for (const JsonAt& entry : json.array()) {
    IdMapping mapping{.container_id = id_of(entry.at("containerID")),
                      .host_id = id_of(entry.at("hostID")),
                      .size = number_of(entry.at("size"))};
    if (mapping.size == 0) throw entry.at("size").error("is 0");
    if (mapping.size > UINT32_MAX - mapping.container_id || mapping.size > UINT32_MAX - mapping.host_id)
      throw entry.at("size").error("reaches beyond the last id");
    for (const IdMapping& other : mappings) {
      const bool apart = mapping.container_id >= other.container_id + other.size ||
                         other.container_id >= mapping.container_id + mapping.size;
      if (!apart) throw entry.error("overlaps an entry before it");
    }
    mappings.push_back(mapping);
    if (mappings.size() > max_id_mappings)
      throw json.error(base::concat("has more than ", max_id_mappings, " entries"));
  }
  return mappings;
}

std::vector<Namespace> parse_namespaces(const JsonAt& json) {
  std::vector<Namespace> namespaces;
  for (const JsonAt& entry : json.array()) {
    Namespace result{.type = entry.at("type").string()};
    if (std::find(std::begin(namespace_types), std::end(namespace_types), result.type) == std::end(namespace_types))
      throw entry.at("type").error(base::concat("is ", base::quoted(result.type), ", which is no kind of namespace"));
    if (result.type == "time") throw entry.at("type").error("is \"time\", which is not supported");
    if (entry.has("path") && !entry.at("path").string().empty()) result.path = absolute_path_of(entry.at("path"));
    for (const Namespace& other : namespaces)
      if (other.type == result.type) throw entry.at("type").error("stands twice");
    namespaces.push_back(std::move(result));
  }
  return namespaces;
}

Device parse_device(const JsonAt& json) {
  Device device{.path = absolute_path_of(json.at("path"))};
  if (has_dot_dot(device.path)) throw json.at("path").error("contains \"..\"");
  const std::string type = json.at("type").string();
  if (type != "c" && type != "u" && type != "b" && type != "p")
    throw json.at("type").error(base::concat("is ", base::quoted(type), ", not one of c, b, u and p"));
  device.type = type == "u" ? 'c' : type.front();
  if (device.type != 'p') {
    device.major = number_of(json.at("major"));
    device.minor = number_of(json.at("minor"));
  }
  if (const auto mode = json.find("fileMode")) {
    // The type bits may stand there too, as docker writes them; set-id bits have no business on a device.
    const std::uint32_t bits = number_of(*mode) & 07777;
    if (bits > 0777) throw mode->error("has bits beyond 0777");
    device.file_mode = bits;
  }
  if (const auto uid = json.find("uid")) device.uid = id_of(*uid);
  if (const auto gid = json.find("gid")) device.gid = id_of(*gid);
  return device;
}

std::vector<Device> parse_devices(const JsonAt& json) {
  std::vector<Device> devices;
  for (const JsonAt& entry : json.array()) {
    devices.push_back(parse_device(entry));
    for (std::size_t i = 0; i + 1 < devices.size(); ++i)
      if (devices[i].path == devices.back().path) throw entry.at("path").error("stands twice");
  }
  return devices;
}

bool is_sysctl_name(std::string_view name) {
  if (name.empty() || has_dot_dot(name) || name.front() == '/' || name.front() == '.') return false;
  if (name.find("..") != std::string_view::npos) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-' || c == '/';
  });
}

void parse_sysctls(const JsonAt& json, Linux& result) {
  for (const auto& [key, entry] : json.members()) {
    std::string value = entry.string();
    if (!is_sysctl_name(key)) throw json.error(base::concat("has the key ", base::quoted(key), ", which is no sysctl"));
    if (value.find('\n') != std::string::npos) throw entry.error("contains a line end");
    if (namespace_of_sysctl(key).empty())
      throw json.error(base::concat("has the key ", base::quoted(key), ", which belongs to no namespace"));
    result.sysctl.emplace_back(key, std::move(value));
  }
}

void check_sysctl_namespaces(const JsonAt& json, const Linux& result) {
  for (const auto& [key, value] : result.sysctl) {
    const std::string_view type = namespace_of_sysctl(key);
    const bool owned = std::any_of(result.namespaces.begin(), result.namespaces.end(),
                                   [&](const Namespace& entry) { return entry.type == type; });
    if (!owned)
      throw json.at("sysctl").error(base::concat("sets ", base::quoted(key), ", which needs a ", type, " namespace"));
  }
}

void check_mappings(const JsonAt& json, const Linux& result) {
  if (result.uid_mappings.empty() != result.gid_mappings.empty())
    throw json.error("has only one of uidMappings and gidMappings");
  const auto user = std::find_if(result.namespaces.begin(), result.namespaces.end(),
                                 [](const Namespace& entry) { return entry.type == "user"; });
  if (!result.uid_mappings.empty() && user == result.namespaces.end())
    throw json.at("uidMappings").error("needs a user namespace, and linux.namespaces has none");
  if (!result.uid_mappings.empty() && !user->path.empty())
    throw json.at("uidMappings").error("stands beside a user namespace to join");
}

void check_unsupported(const JsonAt& json) {
  for (const std::string_view key : {"intelRdt", "netDevices", "timeOffsets", "memoryPolicy"})
    if (json.has(key)) throw json.at(key).error("is not supported");
  if (const auto personality = json.find("personality"))
    if (personality->at("domain").string() != "LINUX") throw personality->at("domain").error("is not \"LINUX\"");
}

}  // namespace

std::string_view namespace_of_sysctl(std::string_view name) {
  std::string dotted{name};
  std::replace(dotted.begin(), dotted.end(), '/', '.');
  if (dotted.starts_with("net.")) return "network";
  if (dotted.starts_with("fs.mqueue.")) return "ipc";
  if (std::find(std::begin(ipc_sysctls), std::end(ipc_sysctls), dotted) != std::end(ipc_sysctls)) return "ipc";
  if (dotted == "kernel.domainname" || dotted == "kernel.hostname") return "uts";
  return {};
}

Linux parse_linux(const JsonAt& json) {
  Linux result;
  if (const auto mappings = json.find("uidMappings")) result.uid_mappings = parse_mappings(*mappings);
  if (const auto mappings = json.find("gidMappings")) result.gid_mappings = parse_mappings(*mappings);
  if (const auto namespaces = json.find("namespaces")) result.namespaces = parse_namespaces(*namespaces);
  if (const auto devices = json.find("devices")) result.devices = parse_devices(*devices);
  if (const auto sysctls = json.find("sysctl")) parse_sysctls(*sysctls, result);
  if (const auto path = json.find("cgroupsPath")) result.cgroups_path = path->string();
  if (const auto propagation = json.find("rootfsPropagation")) {
    result.rootfs_propagation = propagation->string();
    if (!result.rootfs_propagation.empty() && !parse_propagation(result.rootfs_propagation))
      throw propagation->error(
          base::concat("is ", base::quoted(result.rootfs_propagation), ", which is no propagation"));
  }
  if (const auto paths = json.find("maskedPaths")) result.masked_paths = absolute_paths_of(*paths);
  if (const auto paths = json.find("readonlyPaths")) result.readonly_paths = absolute_paths_of(*paths);
  if (const auto label = json.find("mountLabel")) result.mount_label = label->string();
  if (const auto seccomp = json.find("seccomp")) {
    if (!seccomp->is_object()) throw seccomp->error("is not an object");
    result.seccomp_json = seccomp->dump();
  }
  if (const auto resources = json.find("resources")) {
    if (!resources->is_object()) throw resources->error("is not an object");
    result.resources_json = resources->dump();
  }
  check_unsupported(json);
  check_mappings(json, result);
  check_sysctl_namespaces(json, result);
  return result;
}

}  // namespace runtime
