#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/cgroup_resources.hpp"

// Pure: limits as the control files of cgroup v1 and v2 want them. Sources: config-linux.md, cgroups(7), the kernel's
// admin-guide/cgroup-v2.rst and admin-guide/cgroup-v1/; the conversions from v1 numbers are those of crun and runc.

namespace runtime {

/// One write(2) to one control file.
struct CgroupSetting {
  std::string controller;  ///< "memory"; empty for files of cgroups as such.
  std::string file;        ///< "memory.max"
  std::string value;
  std::string field;                            ///< Of linux.resources, for messages: "memory.limit".
  std::string else_file = {}, else_value = {};  ///< Where the kernel has no `file`; empty: none.
  bool may_be_absent = false;                   ///< No file, no harm.
  bool is_unified_key = false;                  ///< From linux.resources.unified: never for a v1 controller.
  std::string problem = {};                     ///< Why it cannot be written at all; `file` is then empty.
};

/// For v2. A field without an equivalent is a setting with a problem.
/// @param current_cpu_max  Text of cpu.max, from which a quota is kept when only a new period is given; may be empty.
std::vector<CgroupSetting> unified_settings(const Resources& resources, std::string_view current_cpu_max);

/// For v1.
std::vector<CgroupSetting> legacy_settings(const Resources& resources);

/// The v1 controller that does what this v2 controller does: "io" is "blkio"; others have one name.
std::string_view legacy_name_of(std::string_view controller);

/// cpu.weight (1 to 10000) from shares (2 to 262144).
std::uint64_t cpu_weight_of(std::uint64_t shares);
/// io.weight (1 to 10000) from a blkio weight (10 to 1000).
std::uint64_t io_weight_of(std::uint16_t weight);
/// "8:16"
std::string device_number_text(std::uint32_t major, std::uint32_t minor);
/// Value of rdma.max, the same in both versions: "mlx5_1 hca_handle=3 hca_object=10".
std::string rdma_text(const RdmaLimit& limit);

}  // namespace runtime
