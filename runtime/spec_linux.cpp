#include "runtime/spec_linux.hpp"

#include <algorithm>
#include <iterator>

#include "runtime/cgroup.hpp"
#include "runtime/mount_options.hpp"
#include "runtime/seccomp_embedded.hpp"
#include "runtime/spec_text.hpp"

namespace runtime {
namespace {

using base::JsonAt;

constexpr std::string_view namespace_types[] = {"pid", "network", "mount", "ipc", "uts", "user", "cgroup", "time"};

bool overlap(std::uint64_t one, std::uint64_t one_size, std::uint64_t other, std::uint64_t other_size) {
  return one < other + other_size && other < one + one_size;
}

std::vector<Namespace> parse_namespaces(const JsonAt& json) {
  std::vector<Namespace> namespaces;
  for (const JsonAt& entry : json.array()) {
    Namespace result{.type = entry.at("type").string()};
    if (std::find(std::begin(namespace_types), std::end(namespace_types), result.type) == std::end(namespace_types))
      throw entry.at("type").error(base::concat("is ", base::quoted(result.type), ", which is no kind of namespace"));
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
    Device device = parse_device(entry);
    const auto same_path = [&](const Device& other) { return other.path == device.path; };
    const auto other = std::find_if(devices.begin(), devices.end(), same_path);
    if (other == devices.end())
      devices.push_back(std::move(device));
    else if (other->type != device.type || other->major != device.major || other->minor != device.minor)
      throw entry.at("path").error("stands twice, for different devices");
  }
  return devices;
}

void check_mappings(const JsonAt& json, const Linux& result) {
  if (result.uid_mappings.empty() != result.gid_mappings.empty())
    throw json.error("has only one of uidMappings and gidMappings");
  const auto user = std::find_if(result.namespaces.begin(), result.namespaces.end(),
                                 [](const Namespace& entry) { return entry.type == "user"; });
  if (!result.uid_mappings.empty() && user == result.namespaces.end())
    throw json.at("uidMappings").error("needs a user namespace, and linux.namespaces has none");
  // Beside a user namespace to join podman writes mappings that mean nothing.
  if (result.uid_mappings.empty() && user != result.namespaces.end() && user->path.empty())
    throw json.at("uidMappings").error("is empty, and a new user namespace needs mappings");
}

std::string seccomp_of(const JsonAt& json, std::string_view taken_out) {
  if (!taken_out.empty() && json.is_string() && json.string() == profile_marker) return std::string{taken_out};
  if (!json.is_object()) throw json.error("is not an object");
  return json.dump();
}

}  // namespace

std::vector<IdMapping> parse_id_mappings(const JsonAt& json) {
  std::vector<IdMapping> mappings;
  for (const JsonAt& entry : json.array()) {
    IdMapping mapping{.container_id = id_of(entry.at("containerID")),
                      .host_id = id_of(entry.at("hostID")),
                      .size = number_of(entry.at("size"))};
    if (mapping.size == 0) throw entry.at("size").error("is 0");
    if (mapping.size > UINT32_MAX - mapping.container_id || mapping.size > UINT32_MAX - mapping.host_id)
      throw entry.at("size").error("reaches beyond the last id");
    for (const IdMapping& other : mappings) {
      if (overlap(mapping.container_id, mapping.size, other.container_id, other.size) ||
          overlap(mapping.host_id, mapping.size, other.host_id, other.size))
        throw entry.error("overlaps an entry before it");
    }
    mappings.push_back(mapping);
    if (mappings.size() > max_id_mappings)
      throw json.error(base::concat("has more than ", max_id_mappings, " entries"));
  }
  return mappings;
}

Linux parse_linux(const JsonAt& json, std::string_view taken_out) {
  require_object(json);
  Linux result;
  if (const auto mappings = json.find("uidMappings")) result.uid_mappings = parse_id_mappings(*mappings);
  if (const auto mappings = json.find("gidMappings")) result.gid_mappings = parse_id_mappings(*mappings);
  if (const auto namespaces = json.find("namespaces")) result.namespaces = parse_namespaces(*namespaces);
  if (const auto devices = json.find("devices")) result.devices = parse_devices(*devices);
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
  if (const auto seccomp = json.find("seccomp")) result.seccomp_json = seccomp_of(*seccomp, taken_out);
  if (const auto resources = json.find("resources")) {
    if (!resources->is_object()) throw resources->error("is not an object");
    result.resources_json = resources->dump();
    check_resources(result.resources_json);
  }
  parse_tuning(json, result);
  check_mappings(json, result);
  return result;
}

}  // namespace runtime
