#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace runtime {

// linux.resources of the runtime-spec (config-linux.md "Control groups"), checked. As with runc, 0 means "not given"
// for memory limits, shares, quota, period and weights; such fields are empty here.

/// One entry of the device list. Rules count in their order: for each access bit the last one that fits decides.
struct DeviceRule {
  bool allow = false;
  char type = 'a';                              ///< 'a' all, 'b' block, 'c' character.
  std::optional<std::uint32_t> major;           ///< Nothing: all.
  std::optional<std::uint32_t> minor;           ///< Nothing: all.
  bool read = true, write = true, node = true;  ///< "rwm"; m is mknod.
};

/// Bytes, or -1 for unlimited.
struct MemoryResources {
  std::optional<std::int64_t> limit, reservation;
  std::optional<std::int64_t> swap;  ///< Memory and swap together, as in cgroup v1.
  std::optional<std::int64_t> kernel, kernel_tcp;
  std::optional<std::uint64_t> swappiness;  ///< 0 to 100.
  bool disable_oom_killer = false;
  bool use_hierarchy = false;
  bool check_before_update = false;
};

/// Times are microseconds.
struct CpuResources {
  std::optional<std::uint64_t> shares;
  std::optional<std::int64_t> quota;  ///< -1: unlimited.
  std::optional<std::uint64_t> burst, period;
  std::optional<std::int64_t> realtime_runtime;
  std::optional<std::uint64_t> realtime_period;
  std::string cpus, mems;            ///< Lists such as "0-3,7"; empty: not given.
  std::optional<std::int64_t> idle;  ///< 0 or 1.
};

struct BlockWeight {
  std::uint32_t major = 0, minor = 0;
  std::optional<std::uint16_t> weight, leaf_weight;
};

struct BlockThrottle {
  std::uint32_t major = 0, minor = 0;
  std::uint64_t rate = 0;  ///< Bytes or operations a second; 0: no limit.
};

struct BlockIoResources {
  std::optional<std::uint16_t> weight, leaf_weight;  ///< 10 to 1000.
  std::vector<BlockWeight> device_weights;
  std::vector<BlockThrottle> read_bps, write_bps, read_iops, write_iops;
};

struct HugepageLimit {
  std::string page_size;  ///< "2MB"
  std::uint64_t limit = 0;
};

struct NetworkPriority {
  std::string interface;
  std::uint32_t priority = 0;
};

struct RdmaLimit {
  std::string device;
  std::optional<std::uint32_t> handles, objects;
};

struct Resources {
  bool has_devices = false;  ///< Whether the list is there; it may be there and be empty.
  std::vector<DeviceRule> devices;
  MemoryResources memory;
  CpuResources cpu;
  std::optional<std::int64_t> pids_limit;  ///< -1: unlimited; 0 is a limit.
  BlockIoResources block_io;
  std::vector<HugepageLimit> hugepage_limits;
  std::optional<std::uint32_t> network_class_id;
  std::vector<NetworkPriority> network_priorities;
  std::vector<RdmaLimit> rdma;
  std::vector<std::pair<std::string, std::string>> unified;  ///< File name in the v2 folder, and its value.
};

inline constexpr std::size_t max_resources_bytes = 1024 * 1024;
inline constexpr std::size_t max_device_rules = 1000;
inline constexpr std::size_t max_block_devices = 1000;  ///< Of each list.
inline constexpr std::size_t max_resource_entries =
    256;  ///< Page sizes, network priorities, RDMA devices, unified keys.
inline constexpr std::size_t max_unified_value_bytes = 64 * 1024;

/// @param json  The object as text; empty: no resources.
/// @throws Error corrupt: "reading linux.resources: memory.limit is less than -1".
Resources parse_resources(std::string_view json);

}  // namespace runtime
