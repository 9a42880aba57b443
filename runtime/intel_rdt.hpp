#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "runtime/spec.hpp"

// linux.intelRdt: shares of the processor's cache and memory bandwidth, as groups of tasks in the resctrl file system.
// Sources: config-linux.md "IntelRdt"; the kernel's filesystems/resctrl.rst.

namespace runtime {

/// Where a container's tasks are; kept in state files.
struct RdtRecord {
  std::string group;          ///< Absolute path of its folder; empty: the container has none.
  bool is_ours = false;       ///< Made for this container, and to be removed with it.
  std::string monitor_group;  ///< The folder below that counts for this container alone; empty: none.
};

/// Pure: where resctrl is mounted, from the text of mountinfo. proc(5).
std::optional<std::string> find_resctrl(std::string_view mountinfo);
/// The same for this process. @throws Error unsupported with a hint, where it is not mounted.
std::string resctrl_root();

/// Pure: whether `line` is one of the file "schemata": "L3:0=7f0;1=1f".
bool is_schema(std::string_view line);
/// Pure: the first part of `wanted` that `present`, the text of a file "schemata", says otherwise; empty: none.
std::string first_difference(const std::vector<std::string>& wanted, std::string_view present);

/// What make_rdt_group() will make below `root`, to be recorded before it is.
/// @throws Error not_found, when closID names no group and there is no schema to make one of; already_exists, when the
/// container's id is the name of somebody else's.
RdtRecord plan_rdt_group(const IntelRdt& rdt, const std::string& container_id, const std::string& root);
/// Makes the groups, and writes or compares the schemata.
/// @throws Error with what the kernel says of it (info/last_cmd_status).
void make_rdt_group(const IntelRdt& rdt, const RdtRecord& record, const std::string& root);
/// Processes that this one makes later are members, too. @throws Error not_found, when the group is gone.
void add_to_rdt_group(const RdtRecord& record, pid_t pid);
/// `update`: changes the schemata of the container's own group, or of the one that it shares.
void set_rdt_schemata(const RdtRecord& record, const std::vector<std::string>& lines);
/// Removes what is the container's alone. Absence is fine.
void remove_rdt_group(const RdtRecord& record);

}  // namespace runtime
