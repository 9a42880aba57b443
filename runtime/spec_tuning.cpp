#include <algorithm>
#include <iterator>

#include "runtime/intel_rdt.hpp"
#include "runtime/process_attributes.hpp"
#include "runtime/spec_linux.hpp"
#include "runtime/spec_text.hpp"

// The parts of "linux" that tune what the kernel shows and does: sysctls, clocks, personality, memory policy, network
// devices. Source: config-linux.md.

namespace runtime {
namespace {

using base::JsonAt;

constexpr std::uint64_t nanoseconds_a_second = 1'000'000'000;
constexpr std::size_t max_class_id_bytes = 255;
constexpr std::size_t max_device_name_bytes = 15;  // IFNAMSIZ without the NUL

constexpr std::string_view ipc_sysctls[] = {
    "kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
    "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
};

bool is_sysctl_name(std::string_view name) {
  if (name.empty() || has_dot_dot(name) || name.front() == '/' || name.front() == '.') return false;
  if (name.find("..") != std::string_view::npos) return false;
  return std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
           c == '-' || c == '/';
  });
}

const Namespace* find_namespace(const Linux& of, std::string_view type) {
  const auto found = std::find_if(of.namespaces.begin(), of.namespaces.end(),
                                  [&](const Namespace& entry) { return entry.type == type; });
  return found == of.namespaces.end() ? nullptr : &*found;
}

void parse_sysctls(const JsonAt& json, Linux& result) {
  for (const auto& [key, entry] : json.members()) {
    std::string value = entry.string();
    if (value.find('\n') != std::string::npos) throw entry.error("contains a line end");
    if (const std::string problem = sysctl_problem(result, key); !problem.empty())
      throw json.error(base::concat("has the key ", base::quoted(key), ", which ", problem));
    result.sysctl.emplace_back(key, std::move(value));
  }
}

void parse_time_offsets(const JsonAt& json, Linux& result) {
  for (const auto& [clock, entry] : json.members()) {
    if (clock != "monotonic" && clock != "boottime")
      throw json.error(base::concat("has the key ", base::quoted(clock), ", not monotonic or boottime"));
    require_object(entry);
    const std::uint64_t nanoseconds = entry.unsigned_or("nanosecs", 0);
    if (nanoseconds >= nanoseconds_a_second) throw entry.at("nanosecs").error("is a second or more");
    result.time_offsets.push_back({.clock = clock,
                                   .seconds = entry.integer_or("secs", 0),
                                   .nanoseconds = static_cast<std::uint32_t>(nanoseconds)});
  }
  const Namespace* time = find_namespace(result, "time");
  if (!result.time_offsets.empty() && (time == nullptr || !time->path.empty()))
    throw json.error("needs a new time namespace, and linux.namespaces has none");
}

void parse_personality(const JsonAt& json, Linux& result) {
  result.personality = json.at("domain").string();
  check_words(json.at("domain"), [&] { personality_of(*result.personality); });
  if (!json.strings_or_empty("flags").empty()) throw json.at("flags").error("is not empty: no flag is known");
}

void parse_memory_policy(const JsonAt& json, Linux& result) {
  MemoryPolicy policy{
      .mode = json.at("mode").string(), .nodes = json.string_or("nodes", ""), .flags = json.strings_or_empty("flags")};
  check_words(json, [&] { memory_policy_of(policy); });
  const bool takes_none = policy.mode == "MPOL_DEFAULT" || policy.mode == "MPOL_LOCAL";
  if (takes_none && !policy.nodes.empty())
    throw json.at("nodes").error(base::concat("means nothing with ", policy.mode));
  if (!takes_none && policy.mode != "MPOL_PREFERRED" && policy.nodes.empty())
    throw json.error(base::concat("has no nodes, which ", policy.mode, " needs"));
  result.memory_policy = std::move(policy);
}

// As the kernel's dev_valid_name.
bool is_device_name(std::string_view name) {
  return !name.empty() && name.size() <= max_device_name_bytes && name != "." && name != ".." &&
         std::none_of(name.begin(), name.end(),
                      [](char c) { return c == '/' || c == ':' || c == ' ' || (c >= '\t' && c <= '\r'); });
}

// "%d" is completed by the kernel, once; no other '%' is.
bool is_device_pattern(std::string_view name) {
  const std::size_t percent = name.find('%');
  return percent == std::string_view::npos ||
         (name.substr(percent, 2) == "%d" && name.find('%', percent + 1) == std::string_view::npos);
}

void parse_net_devices(const JsonAt& json, Linux& result) {
  for (const auto& [name, entry] : json.members()) {
    require_object(entry);
    if (!is_device_name(name) || name.find('%') != std::string::npos)
      throw json.error(base::concat("has the key ", base::quoted(name), ", which is no name of a network device"));
    std::string inside = entry.string_or("name", "");
    if (!inside.empty() && (!is_device_name(inside) || !is_device_pattern(inside)))
      throw entry.at("name").error(base::concat("is ", base::quoted(inside), ", no name of a network device"));
    if (inside.empty()) inside = name;
    for (const auto& [other, other_inside] : result.net_devices)
      if (other_inside == inside && inside.find('%') == std::string::npos)
        throw entry.error(base::concat("is to be ", base::quoted(inside), " inside, as is ", base::quoted(other)));
    result.net_devices.emplace_back(name, std::move(inside));
  }
  if (!result.net_devices.empty() && find_namespace(result, "network") == nullptr)
    throw json.error("needs a network namespace, and linux.namespaces has none");
}

/// A folder of resctrl that no group may be called.
bool is_taken_by_resctrl(std::string_view name) {
  return name == "info" || name == "mon_groups" || name == "mon_data";
}

std::string class_id_of(const JsonAt& json) {
  std::string name = json.string();
  if (name == "/") return name;
  const bool is_name = std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c != '/' && c != 0x7f; });
  if (name.empty() || name.size() > max_class_id_bytes || !is_name || name == "." || name == ".." ||
      is_taken_by_resctrl(name))
    throw json.error(base::concat("is ", base::quoted(name), ", no name of a resctrl group"));
  return name;
}

std::string schema_of(const JsonAt& json, std::string_view resource) {
  std::string line = json.string();
  if (!is_schema(line)) throw json.error(base::concat("is ", base::quoted(line), ", not like \"L3:0=7f;1=7f\""));
  if (!line.starts_with(resource)) throw json.error(base::concat("is about another resource than ", resource));
  return line;
}

void parse_intel_rdt(const JsonAt& json, Linux& result) {
  require_object(json);
  IntelRdt rdt;
  if (const auto name = json.find("closID")) rdt.class_id = class_id_of(*name);
  if (const auto line = json.find("l3CacheSchema")) rdt.l3_cache_schema = schema_of(*line, "L3");
  if (const auto line = json.find("memBwSchema")) rdt.memory_bandwidth_schema = schema_of(*line, "MB:");
  if (const auto lines = json.find("schemata"))
    for (const JsonAt& line : lines->array()) rdt.schemata.push_back(schema_of(line, ""));
  rdt.enable_monitoring = json.boolean_or("enableMonitoring", false);
  // As they were called up to version 1.2.1; a kernel that monitors does both.
  for (const char* key : {"enableCMT", "enableMBM"})
    if (json.boolean_or(key, false)) rdt.enable_monitoring = true;
  result.intel_rdt = std::move(rdt);
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

std::string sysctl_problem(const Linux& of, const std::string& name) {
  if (!is_sysctl_name(name)) return "is no sysctl";
  const std::string_view type = namespace_of_sysctl(name);
  if (type.empty()) return "belongs to no namespace";
  if (find_namespace(of, type) == nullptr) return base::concat("needs a ", type, " namespace");
  return {};
}

void parse_tuning(const JsonAt& json, Linux& result) {
  if (const auto sysctls = json.find("sysctl")) parse_sysctls(*sysctls, result);
  if (const auto offsets = json.find("timeOffsets")) parse_time_offsets(*offsets, result);
  if (const auto personality = json.find("personality")) parse_personality(*personality, result);
  if (const auto policy = json.find("memoryPolicy")) parse_memory_policy(*policy, result);
  if (const auto devices = json.find("netDevices")) parse_net_devices(*devices, result);
  if (const auto rdt = json.find("intelRdt")) parse_intel_rdt(*rdt, result);
}

}  // namespace runtime
