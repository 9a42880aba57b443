#include <algorithm>

#include "base/text.hpp"
#include "runtime/cgroup_settings.hpp"

namespace runtime {
namespace {

using base::concat;
using Settings = std::vector<CgroupSetting>;

constexpr std::uint64_t default_period_us = 100'000;

std::string amount_or_max(std::int64_t amount) {
  return amount < 0 ? "max" : std::to_string(amount);
}

void add_problem(Settings& settings, std::string controller, std::string field) {
  settings.push_back({.controller = std::move(controller),
                      .file = "",
                      .value = "",
                      .field = std::move(field),
                      .problem = "has no equivalent in cgroup v2"});
}

/// memory.swap.max counts swap alone, the specification's number memory and swap together.
void add_swap(Settings& settings, const MemoryResources& memory) {
  std::optional<std::int64_t> value;
  if (memory.swap && *memory.swap < 0) value = -1;
  // Unlimited memory frees swap, too, as a limit for both would otherwise stay behind from before.
  if (!memory.swap && memory.limit && *memory.limit < 0) value = -1;
  if (memory.swap && *memory.swap > 0) {
    if (!memory.limit) {
      settings.push_back({.controller = "memory",
                          .file = "",
                          .value = "",
                          .field = "memory.swap",
                          .problem = "limits memory and swap together, so it needs memory.limit, too"});
      return;
    }
    value = *memory.swap - *memory.limit;
  }
  if (!value) return;
  // Where there is no swap, there is no file; "none" and "any amount" of it are then both true.
  settings.push_back({.controller = "memory",
                      .file = "memory.swap.max",
                      .value = amount_or_max(*value),
                      .field = "memory.swap",
                      .may_be_absent = *value <= 0});
}

void add_memory(Settings& settings, const MemoryResources& memory) {
  add_swap(settings, memory);
  if (memory.limit) settings.push_back({"memory", "memory.max", amount_or_max(*memory.limit), "memory.limit"});
  if (memory.reservation)
    settings.push_back({"memory", "memory.low", amount_or_max(*memory.reservation), "memory.reservation"});
  if (memory.kernel && *memory.kernel > 0) add_problem(settings, "memory", "memory.kernel");
  if (memory.kernel_tcp && *memory.kernel_tcp > 0) add_problem(settings, "memory", "memory.kernelTCP");
  if (memory.swappiness) add_problem(settings, "memory", "memory.swappiness");
  if (memory.disable_oom_killer) add_problem(settings, "memory", "memory.disableOOMKiller");
}

std::string cpu_max_text(const CpuResources& cpu, std::string_view current) {
  const auto kept = base::split_once(base::trim(current), ' ');
  std::string quota = kept && !cpu.quota ? std::string{kept->first} : "max";
  if (cpu.quota && *cpu.quota > 0) quota = std::to_string(*cpu.quota);
  if (cpu.period) return concat(quota, " ", *cpu.period);
  return concat(quota, " ", kept ? kept->second : std::to_string(default_period_us));
}

void add_cpu(Settings& settings, const CpuResources& cpu, std::string_view current_cpu_max) {
  const bool is_idle = cpu.idle == 1;
  if (cpu.idle) settings.push_back({"cpu", "cpu.idle", std::to_string(*cpu.idle), "cpu.idle"});
  // An idle cgroup has the least weight by definition, and the kernel refuses another.
  if (cpu.shares && !is_idle)
    settings.push_back({"cpu", "cpu.weight", std::to_string(cpu_weight_of(*cpu.shares)), "cpu.shares"});
  if (cpu.quota || cpu.period)
    settings.push_back({"cpu", "cpu.max", cpu_max_text(cpu, current_cpu_max), cpu.quota ? "cpu.quota" : "cpu.period"});
  if (cpu.burst) settings.push_back({"cpu", "cpu.max.burst", std::to_string(*cpu.burst), "cpu.burst"});
  if (cpu.realtime_runtime && *cpu.realtime_runtime > 0) add_problem(settings, "cpu", "cpu.realtimeRuntime");
  if (cpu.realtime_period) add_problem(settings, "cpu", "cpu.realtimePeriod");
  if (!cpu.cpus.empty()) settings.push_back({"cpuset", "cpuset.cpus", cpu.cpus, "cpu.cpus"});
  if (!cpu.mems.empty()) settings.push_back({"cpuset", "cpuset.mems", cpu.mems, "cpu.mems"});
}

void add_throttles(Settings& settings, const std::vector<BlockThrottle>& throttles, std::string_view key,
                   std::string_view field) {
  for (const BlockThrottle& throttle : throttles) {
    const std::string rate = throttle.rate == 0 ? "max" : std::to_string(throttle.rate);
    settings.push_back({"io", "io.max", concat(device_number_text(throttle.major, throttle.minor), " ", key, "=", rate),
                        concat("blockIO.", field)});
  }
}

void add_block_io(Settings& settings, const BlockIoResources& io) {
  // BFQ counts like v1; only the general io.weight has another range.
  if (io.weight)
    settings.push_back({"io", "io.bfq.weight", std::to_string(*io.weight), "blockIO.weight", "io.weight",
                        concat("default ", io_weight_of(*io.weight))});
  if (io.leaf_weight) add_problem(settings, "io", "blockIO.leafWeight");
  for (const BlockWeight& weight : io.device_weights) {
    const std::string device = device_number_text(weight.major, weight.minor);
    if (weight.weight)
      settings.push_back({"io", "io.bfq.weight", concat(device, " ", *weight.weight), "blockIO.weightDevice",
                          "io.weight", concat(device, " ", io_weight_of(*weight.weight))});
    if (weight.leaf_weight) add_problem(settings, "io", "blockIO.weightDevice");
  }
  add_throttles(settings, io.read_bps, "rbps", "throttleReadBpsDevice");
  add_throttles(settings, io.write_bps, "wbps", "throttleWriteBpsDevice");
  add_throttles(settings, io.read_iops, "riops", "throttleReadIOPSDevice");
  add_throttles(settings, io.write_iops, "wiops", "throttleWriteIOPSDevice");
}

/// The kernel takes one line a write.
void add_unified(Settings& settings, const std::vector<std::pair<std::string, std::string>>& unified) {
  for (const auto& [file, value] : unified) {
    const auto name = base::split_once(file, '.');
    const std::string controller{!name || name->first == "cgroup" ? "" : name->first};
    for (const std::string_view line : base::split(value, '\n')) {
      if (line.empty() && !value.empty()) continue;
      settings.push_back({.controller = controller,
                          .file = file,
                          .value = std::string{line},
                          .field = concat("unified.", file),
                          .is_unified_key = true});
    }
  }
}

}  // namespace

std::string_view legacy_name_of(std::string_view controller) {
  return controller == "io" ? "blkio" : controller;
}

std::uint64_t cpu_weight_of(std::uint64_t shares) {
  const std::uint64_t clamped = std::clamp<std::uint64_t>(shares, 2, 262'144);
  return 1 + (clamped - 2) * 9999 / 262'142;
}

std::uint64_t io_weight_of(std::uint16_t weight) {
  return 1 + (std::uint64_t{weight} - 10) * 9999 / 990;
}

std::string device_number_text(std::uint32_t major, std::uint32_t minor) {
  return concat(major, ":", minor);
}

std::string rdma_text(const RdmaLimit& limit) {
  std::string text = limit.device;
  if (limit.handles) text += concat(" hca_handle=", *limit.handles);
  if (limit.objects) text += concat(" hca_object=", *limit.objects);
  return text;
}

std::vector<CgroupSetting> unified_settings(const Resources& resources, std::string_view current_cpu_max) {
  Settings settings;
  add_memory(settings, resources.memory);
  add_cpu(settings, resources.cpu, current_cpu_max);
  if (resources.pids_limit)
    settings.push_back({"pids", "pids.max", amount_or_max(*resources.pids_limit), "pids.limit"});
  add_block_io(settings, resources.block_io);
  for (const HugepageLimit& limit : resources.hugepage_limits) {
    const std::string prefix = concat("hugetlb.", limit.page_size);
    settings.push_back({"hugetlb", prefix + ".max", std::to_string(limit.limit), "hugepageLimits"});
    settings.push_back({.controller = "hugetlb",
                        .file = prefix + ".rsvd.max",
                        .value = std::to_string(limit.limit),
                        .field = "hugepageLimits",
                        .may_be_absent = true});
  }
  if (resources.network_class_id.value_or(0) != 0) add_problem(settings, "net_cls", "network.classID");
  if (!resources.network_priorities.empty()) add_problem(settings, "net_prio", "network.priorities");
  for (const RdmaLimit& limit : resources.rdma) settings.push_back({"rdma", "rdma.max", rdma_text(limit), "rdma"});
  add_unified(settings, resources.unified);
  return settings;
}

}  // namespace runtime
