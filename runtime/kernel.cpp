#include "runtime/kernel.hpp"

#include "base/mount.hpp"

namespace runtime {

KernelFeatures running_kernel_features() {
  const bool sets_attributes = base::has_mount_setattr();
  // Without it attributes are set of attached mounts only, so there is no point in putting a detached tree together.
  return {.sets_attributes = sets_attributes, .assembles_detached = sets_attributes};
}

}  // namespace runtime
