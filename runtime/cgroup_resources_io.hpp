#pragma once

#include "base/json.hpp"
#include "runtime/cgroup_resources.hpp"

// The lists of linux.resources, each from its own object or array.

namespace runtime {

std::vector<DeviceRule> device_rules_of(const base::JsonAt& json);
BlockIoResources block_io_of(const base::JsonAt& json);
std::vector<HugepageLimit> hugepage_limits_of(const base::JsonAt& json);
std::optional<std::uint32_t> network_class_id_of(const base::JsonAt& json);
std::vector<NetworkPriority> network_priorities_of(const base::JsonAt& json);
std::vector<RdmaLimit> rdma_limits_of(const base::JsonAt& json);
std::vector<std::pair<std::string, std::string>> unified_of(const base::JsonAt& json);

}  // namespace runtime
