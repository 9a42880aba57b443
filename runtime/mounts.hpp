#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "runtime/devices.hpp"
#include "runtime/kernel.hpp"
#include "runtime/mounts_make.hpp"
#include "runtime/plan.hpp"

namespace runtime {

/// A step of the plan with what could be opened before the ids were mapped: bind sources as detached clones.
struct PreparedMount {
  const MountStep* step = nullptr;
  LooseMount bind;           ///< Binds, and what is shared, only.
  bool is_shared = false;    ///< `bind` is another container's instead of a fresh file system.
  bool is_directory = true;  ///< Of a bind's source.
  std::string link_target;   ///< The source is a link that is made again, not bound.
};

/// Clones the sources of all bind mounts; they are paths of the host, resolved in our own copy of its mounts.
/// @param mapped   What map_bind_sources made of the plan.
std::vector<PreparedMount> prepare_mounts(const ContainerPlan& plan, const std::vector<base::UniqueFd>& mapped);

/// Mounts that later steps need.
struct MountedTrees {
  base::UniqueFd proc;  ///< Of the container's own pid namespace, when there is one.
  base::UniqueFd devpts;
  base::UniqueFd dev;  ///< The tmpfs on /dev.
};

/// What is done when the kernel refuses to work below a detached root: `attach` attaches it somewhere in our own mount
/// namespace, and `kernel` says so afterwards.
struct RootAttachment {
  KernelFeatures& kernel;
  std::function<void()> attach;
};

/// Mounts everything below `root`, a detached or attached tree, in the order of config.json. Every target is resolved
/// inside `root` and used as a descriptor.
MountedTrees mount_all(int root, const std::vector<PreparedMount>& mounts, const ContainerPlan& plan,
                       const HostDevices& devices, const RootAttachment& attachment);

}  // namespace runtime
