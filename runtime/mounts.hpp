#pragma once

#include <vector>

#include "base/fd.hpp"
#include "runtime/devices.hpp"
#include "runtime/plan.hpp"

namespace runtime {

/// A step of the plan with what could be opened before the ids were mapped: bind sources as detached clones.
struct PreparedMount {
  const MountStep* step = nullptr;
  base::UniqueFd tree;       ///< Binds only.
  bool is_directory = true;  ///< Of a bind's source.
};

/// Clones the sources of all bind mounts; they are paths of the host, resolved in our own copy of its mounts.
std::vector<PreparedMount> prepare_mounts(const ContainerPlan& plan);

/// Mounts that later steps need.
struct MountedTrees {
  base::UniqueFd proc;  ///< Of the container's own pid namespace, when there is one.
  base::UniqueFd devpts;
  base::UniqueFd dev;  ///< The tmpfs on /dev.
};

/// Mounts everything below `root`, a detached or attached tree, in the order of config.json. Every target is resolved
/// inside `root` and used as a descriptor.
MountedTrees mount_all(int root, std::vector<PreparedMount>& mounts, const ContainerPlan& plan,
                       const HostDevices& devices);

}  // namespace runtime
