#include "runtime/kernel.hpp"

#include "base/mount.hpp"

namespace runtime {

KernelFeatures running_kernel_features() {
  const bool sets_attributes = base::has_mount_setattr();
  // Without it attributes are set of attached mounts only, so there is no point in putting a detached tree together.
  const bool clones_trees = base::has_open_tree();
  return {.sets_attributes = sets_attributes,
          .clones_trees = clones_trees,
          .assembles_detached = sets_attributes && clones_trees};
}

}  // namespace runtime
