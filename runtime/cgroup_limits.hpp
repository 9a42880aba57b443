#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/cgroup_resources.hpp"

namespace runtime {

/// One v1 folder with the controllers of its hierarchy.
struct LegacyFolder {
  std::vector<std::string> controllers;
  std::string path;
  base::UniqueFd folder;
};

/// The open folders of one container.
struct CgroupFolders {
  std::string unified_path;
  base::UniqueFd unified;  ///< O_PATH, fit for CLONE_INTO_CGROUP; empty: none.
  std::vector<LegacyFolder> legacy;

  /// Null when no v1 hierarchy has the controller.
  const LegacyFolder* find_legacy(std::string_view controller) const;
  bool is_empty() const { return !unified && legacy.empty(); }
};

/// Why a v2 controller is not there, by its name.
using ControllerProblems = std::vector<std::pair<std::string, std::string>>;

struct LimitsPolicy {
  bool is_rootless = false;     ///< Return what was refused instead of throwing.
  ControllerProblems problems;  ///< What making the folders found out.
  std::string why_no_folder;    ///< When there is none.
};

/// Writes all limits but devices, each where its controller is: v1 if mounted, else v2. Values that the kernel refuses
/// because of one another (a limit above the one for memory and swap) are tried again after the others.
/// @throws Error naming file, value and field.
std::vector<LimitLeftOut> write_limits(const CgroupFolders& folders, const Resources& resources,
                                       const LimitsPolicy& policy);

/// Enforces the device rules: devices.allow and deny in v1, a program in v2. Rootless, and in a user namespace, nobody
/// may do that, and the kernel denies mknod and the access bits of the node by itself: nothing happens.
/// @param is_new  A fresh cgroup, where "everything" needs no rule.
void write_device_rules(const CgroupFolders& folders, const std::vector<DeviceRule>& rules, bool is_rootless,
                        bool is_new);

/// One line for the user: "memory.limit, pids.limit (why); cpu.quota (why)".
std::string describe(const std::vector<LimitLeftOut>& left_out);

/// EACCES, EPERM, EROFS, ENOENT and their like: the host does not let us, whatever the value.
bool is_refusal(int code) noexcept;

}  // namespace runtime
