#include "runtime/cgroup_resources.hpp"

#include <algorithm>
#include <limits>

#include "base/error.hpp"
#include "base/json.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/cgroup_resources_io.hpp"

namespace runtime {
namespace {

using base::JsonAt;

constexpr std::uint64_t max_listed_number = 65'535;

/// -1 or more; 0 counts as absent.
std::optional<std::int64_t> limit_of(const JsonAt& json, std::string_view key) {
  const auto field = json.find(key);
  if (!field) return std::nullopt;
  const std::int64_t value = field->integer();
  if (value < -1) throw field->error("is less than -1, which means unlimited");
  if (value == 0) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> unsigned_of(const JsonAt& json, std::string_view key) {
  const auto field = json.find(key);
  if (!field) return std::nullopt;
  return field->unsigned_integer();
}

std::optional<std::uint64_t> positive_of(const JsonAt& json, std::string_view key) {
  const auto value = unsigned_of(json, key);
  return value == 0 ? std::nullopt : value;
}

bool is_listed_item(std::string_view item) {
  const auto range = base::split_once(item, '-');
  const auto first = base::parse_unsigned(range ? range->first : item);
  const auto last = range ? base::parse_unsigned(range->second) : first;
  return first && last && *first <= *last && *last <= max_listed_number;
}

/// A list of numbers and ranges, as cpuset(7) describes under "List format".
std::string list_of(const JsonAt& json, std::string_view key) {
  const auto field = json.find(key);
  if (!field) return {};
  std::string text{base::trim(field->string())};
  if (text.empty()) return text;
  const auto items = base::split(text, ',');
  if (!std::all_of(items.begin(), items.end(), is_listed_item))
    throw field->error(base::concat("is not a list such as \"0-3,7\": ", base::quoted(text)));
  return text;
}

MemoryResources memory_of(const JsonAt& json) {
  MemoryResources memory;
  memory.limit = limit_of(json, "limit");
  memory.reservation = limit_of(json, "reservation");
  memory.swap = limit_of(json, "swap");
  memory.kernel = limit_of(json, "kernel");
  memory.kernel_tcp = limit_of(json, "kernelTCP");
  if (const auto field = json.find("swappiness")) {
    memory.swappiness = field->unsigned_integer();
    if (*memory.swappiness > 100) throw field->error("is more than 100");
  }
  memory.disable_oom_killer = json.boolean_or("disableOOMKiller", false);
  memory.use_hierarchy = json.boolean_or("useHierarchy", false);
  memory.check_before_update = json.boolean_or("checkBeforeUpdate", false);
  if (memory.swap && memory.limit && *memory.swap > 0 && (*memory.limit < 0 || *memory.limit > *memory.swap))
    throw json.at("swap").error("is less than memory.limit, though it limits memory and swap together");
  return memory;
}

CpuResources cpu_of(const JsonAt& json) {
  CpuResources cpu;
  cpu.shares = positive_of(json, "shares");
  cpu.quota = limit_of(json, "quota");
  cpu.burst = unsigned_of(json, "burst");
  cpu.period = positive_of(json, "period");
  if (const auto field = json.find("realtimeRuntime")) {
    cpu.realtime_runtime = field->integer();
    if (*cpu.realtime_runtime < -1) throw field->error("is less than -1, which means unlimited");
  }
  cpu.realtime_period = positive_of(json, "realtimePeriod");
  cpu.cpus = list_of(json, "cpus");
  cpu.mems = list_of(json, "mems");
  if (const auto field = json.find("idle")) {
    cpu.idle = field->integer();
    if (*cpu.idle != 0 && *cpu.idle != 1) throw field->error("is neither 0 nor 1");
  }
  if (cpu.burst && cpu.quota && *cpu.quota > 0 && *cpu.burst > static_cast<std::uint64_t>(*cpu.quota))
    throw json.at("burst").error("is larger than cpu.quota");
  return cpu;
}

std::optional<std::int64_t> pids_limit_of(const JsonAt& json) {
  const auto field = json.find("limit");
  if (!field) return std::nullopt;
  const std::int64_t value = field->integer();
  if (value < -1) throw field->error("is less than -1, which means unlimited");
  return value;
}

std::optional<JsonAt> find_object(const JsonAt& root, std::string_view key) {
  const auto field = root.find(key);
  if (field && !field->is_object()) throw field->error("is not an object");
  return field;
}

}  // namespace

Resources parse_resources(std::string_view json) {
  Resources resources;
  if (json.empty()) return resources;
  const JsonAt root = JsonAt::parse(json, "linux.resources", {.max_bytes = max_resources_bytes, .max_depth = 16});
  if (!root.is_object()) throw root.error("is not an object");
  if (const auto field = find_object(root, "memory")) resources.memory = memory_of(*field);
  if (const auto field = find_object(root, "cpu")) resources.cpu = cpu_of(*field);
  if (const auto field = find_object(root, "pids")) resources.pids_limit = pids_limit_of(*field);
  if (const auto field = root.find("devices")) {
    resources.has_devices = true;
    resources.devices = device_rules_of(*field);
  }
  if (const auto field = find_object(root, "blockIO")) resources.block_io = block_io_of(*field);
  if (const auto field = root.find("hugepageLimits")) resources.hugepage_limits = hugepage_limits_of(*field);
  if (const auto field = find_object(root, "network")) {
    resources.network_class_id = network_class_id_of(*field);
    resources.network_priorities = network_priorities_of(*field);
  }
  if (const auto field = root.find("rdma")) resources.rdma = rdma_limits_of(*field);
  if (const auto field = root.find("unified")) resources.unified = unified_of(*field);
  return resources;
}

void check_resources(std::string_view resources_json) {
  parse_resources(resources_json);
}

}  // namespace runtime
