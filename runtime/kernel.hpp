#pragma once

namespace runtime {

/// What differs between the kernels we run on. One uname(2) decides, since probing would cost more than it tells.
struct KernelFeatures {
  bool assembles_detached = true;  ///< 6.15: move_mount and open_tree work on and in detached trees.
  bool overlay_takes_fds = true;   ///< 6.13: FSCONFIG_SET_FD for lowerdir+, upperdir and workdir.
  bool overlay_appends = true;     ///< 6.5: "lowerdir+", one layer a call.
};

KernelFeatures kernel_features(unsigned major, unsigned minor);
KernelFeatures running_kernel_features();

}  // namespace runtime
