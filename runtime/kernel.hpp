#pragma once

namespace runtime {

/// What differs between the kernels we run on, or is kept from us by a filter. Found by trying, never by a version:
/// what costs nothing to try is known at once, the rest when it fails for the first time. How an overlay takes its
/// layers is tried where it is mounted (rootfs.cpp).
struct KernelFeatures {
  bool sets_attributes = true;     ///< 5.12: mount_setattr, which works on mounts that are attached nowhere.
  bool clones_trees = true;        ///< 5.2: open_tree; else what is to be bound stays a descriptor until it is bound.
  bool assembles_detached = true;  ///< 6.15: a tree is put together before it is attached; false after a refusal.
};

KernelFeatures running_kernel_features();

}  // namespace runtime
