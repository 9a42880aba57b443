#include "base/text.hpp"
#include "runtime/cgroup_settings.hpp"

namespace runtime {
namespace {

using base::concat;
using Settings = std::vector<CgroupSetting>;

void add_amount(Settings& settings, const std::optional<std::int64_t>& amount, std::string file, std::string field) {
  if (amount) settings.push_back({"memory", std::move(file), std::to_string(*amount), std::move(field)});
}

void add_memory(Settings& settings, const MemoryResources& memory) {
  if (memory.use_hierarchy) settings.push_back({"memory", "memory.use_hierarchy", "1", "memory.useHierarchy"});
  add_amount(settings, memory.limit, "memory.limit_in_bytes", "memory.limit");
  // Unlimited memory frees swap, too, as the kernel allows no limit for both below that for memory.
  const bool frees_swap = memory.swap ? *memory.swap < 0 : memory.limit && *memory.limit < 0;
  if (memory.swap || frees_swap)
    settings.push_back({.controller = "memory",
                        .file = "memory.memsw.limit_in_bytes",
                        .value = frees_swap ? "-1" : std::to_string(*memory.swap),
                        .field = "memory.swap",
                        .may_be_absent = frees_swap});
  add_amount(settings, memory.reservation, "memory.soft_limit_in_bytes", "memory.reservation");
  add_amount(settings, memory.kernel, "memory.kmem.limit_in_bytes", "memory.kernel");
  add_amount(settings, memory.kernel_tcp, "memory.kmem.tcp.limit_in_bytes", "memory.kernelTCP");
  if (memory.swappiness)
    settings.push_back({"memory", "memory.swappiness", std::to_string(*memory.swappiness), "memory.swappiness"});
  if (memory.disable_oom_killer) settings.push_back({"memory", "memory.oom_control", "1", "memory.disableOOMKiller"});
}

template <class Number>
void add_cpu_number(Settings& settings, const std::optional<Number>& number, std::string file, std::string field) {
  if (number) settings.push_back({"cpu", std::move(file), std::to_string(*number), std::move(field)});
}

void add_cpu(Settings& settings, const CpuResources& cpu) {
  add_cpu_number(settings, cpu.idle, "cpu.idle", "cpu.idle");
  // An idle cgroup has the least weight by definition, and the kernel refuses another.
  if (cpu.idle != 1) add_cpu_number(settings, cpu.shares, "cpu.shares", "cpu.shares");
  add_cpu_number(settings, cpu.period, "cpu.cfs_period_us", "cpu.period");
  add_cpu_number(settings, cpu.quota, "cpu.cfs_quota_us", "cpu.quota");
  add_cpu_number(settings, cpu.burst, "cpu.cfs_burst_us", "cpu.burst");
  add_cpu_number(settings, cpu.realtime_period, "cpu.rt_period_us", "cpu.realtimePeriod");
  add_cpu_number(settings, cpu.realtime_runtime, "cpu.rt_runtime_us", "cpu.realtimeRuntime");
  if (!cpu.cpus.empty()) settings.push_back({"cpuset", "cpuset.cpus", cpu.cpus, "cpu.cpus"});
  if (!cpu.mems.empty()) settings.push_back({"cpuset", "cpuset.mems", cpu.mems, "cpu.mems"});
}

void add_throttles(Settings& settings, const std::vector<BlockThrottle>& throttles, std::string_view file,
                   std::string_view field) {
  for (const BlockThrottle& throttle : throttles)
    settings.push_back({"blkio", concat("blkio.throttle.", file),
                        concat(device_number_text(throttle.major, throttle.minor), " ", throttle.rate),
                        concat("blockIO.", field)});
}

void add_block_io(Settings& settings, const BlockIoResources& io) {
  // BFQ, the last scheduler with weights, has files of its own; CFQ had the plain ones, until Linux 5.0.
  if (io.weight)
    settings.push_back({"blkio", "blkio.bfq.weight", std::to_string(*io.weight), "blockIO.weight", "blkio.weight",
                        std::to_string(*io.weight)});
  if (io.leaf_weight)
    settings.push_back({"blkio", "blkio.leaf_weight", std::to_string(*io.leaf_weight), "blockIO.leafWeight"});
  for (const BlockWeight& weight : io.device_weights) {
    const std::string device = device_number_text(weight.major, weight.minor);
    if (weight.weight) {
      const std::string value = concat(device, " ", *weight.weight);
      settings.push_back(
          {"blkio", "blkio.bfq.weight_device", value, "blockIO.weightDevice", "blkio.weight_device", value});
    }
    if (weight.leaf_weight)
      settings.push_back(
          {"blkio", "blkio.leaf_weight_device", concat(device, " ", *weight.leaf_weight), "blockIO.weightDevice"});
  }
  add_throttles(settings, io.read_bps, "read_bps_device", "throttleReadBpsDevice");
  add_throttles(settings, io.write_bps, "write_bps_device", "throttleWriteBpsDevice");
  add_throttles(settings, io.read_iops, "read_iops_device", "throttleReadIOPSDevice");
  add_throttles(settings, io.write_iops, "write_iops_device", "throttleWriteIOPSDevice");
}

}  // namespace

std::vector<CgroupSetting> legacy_settings(const Resources& resources) {
  Settings settings;
  add_memory(settings, resources.memory);
  add_cpu(settings, resources.cpu);
  if (resources.pids_limit) {
    const std::int64_t limit = *resources.pids_limit;
    settings.push_back({"pids", "pids.max", limit < 0 ? "max" : std::to_string(limit), "pids.limit"});
  }
  add_block_io(settings, resources.block_io);
  for (const HugepageLimit& limit : resources.hugepage_limits) {
    const std::string prefix = concat("hugetlb.", limit.page_size);
    settings.push_back({"hugetlb", prefix + ".limit_in_bytes", std::to_string(limit.limit), "hugepageLimits"});
    settings.push_back({.controller = "hugetlb",
                        .file = prefix + ".rsvd.limit_in_bytes",
                        .value = std::to_string(limit.limit),
                        .field = "hugepageLimits",
                        .may_be_absent = true});
  }
  if (resources.network_class_id)
    settings.push_back({"net_cls", "net_cls.classid", std::to_string(*resources.network_class_id), "network.classID"});
  for (const NetworkPriority& entry : resources.network_priorities)
    settings.push_back(
        {"net_prio", "net_prio.ifpriomap", concat(entry.interface, " ", entry.priority), "network.priorities"});
  for (const RdmaLimit& limit : resources.rdma) settings.push_back({"rdma", "rdma.max", rdma_text(limit), "rdma"});
  return settings;
}

}  // namespace runtime
