#pragma once

#include <string>
#include <vector>

#include "runtime/cgroup_hierarchies.hpp"
#include "runtime/cgroup_limits.hpp"

namespace runtime {

/// What happened while folders were made.
struct CgroupMaking {
  bool is_rootless = false;
  bool may_exist = false;
  std::string vacated = {};       ///< Path below the mount of a cgroup whose processes may be moved to one below it.
  std::vector<std::string> made;  ///< Paths, in order; to be removed again should a later step fail.
  ControllerProblems problems;
  std::string why_none;  ///< Rootless: why there is no folder.
};

/// Makes what is missing of `path` below the mount. In v2 every cgroup on the way gets its controllers enabled for its
/// children, as far as the kernel lets us; in v1 cpusets inherit CPUs and memory nodes, without which no process fits.
/// A last folder that is there already must be empty, unless `may_exist`, and is made anew, with another inode.
/// @return  O_PATH; empty when rootless and refused, or when the folder is another user's.
/// @throws Error in_use, when the folder holds processes or is frozen.
base::UniqueFd make_cgroup(const Hierarchy& hierarchy, const std::string& path, bool is_unified, CgroupMaking& making);

/// v2: has a cgroup give what controllers it has to those below, as far as the kernel lets it.
void give_controllers(int folder, const std::string& path);

/// v2, rootless: whether a process may be moved from our cgroup to `path`. Both must lie below a cgroup whose
/// cgroup.procs we may write. Source: cgroups(7) "Cgroups v2 delegation: containment rules".
bool may_enter(const Hierarchy& unified, const std::string& path);

/// v2, rootless: where cgroups of ours begin.
struct RootlessPlace {
  std::string base;           ///< Below the mount; "" is the mount itself.
  bool is_delegated = false;  ///< Whether systemd marked it as the user's, who may then move the processes in it.
};
/// Our own cgroup where it is delegated to us; else the one above, if we may change that, since a cgroup with processes
/// gives no controllers to its children; else our own. Source: systemd.resource-control(5) "Delegate=", user.delegate.
RootlessPlace rootless_place(const Hierarchy& unified);
/// v2: our own cgroup, whoever gave it to us; the one above where we have made way in it already.
RootlessPlace own_place(const Hierarchy& unified);

}  // namespace runtime
