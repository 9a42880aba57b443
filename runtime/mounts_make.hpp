#pragma once

#include <cstdint>

#include "base/fd.hpp"
#include "runtime/plan.hpp"

namespace runtime {

/// A mount that is attached nowhere yet, and what is still to be set of it. Kernels before 5.12 set it only when the
/// mount is attached.
struct LooseMount {
  base::UniqueFd tree;
  std::uint64_t set = 0, clear = 0, recursive_set = 0, recursive_clear = 0;  ///< MOUNT_ATTR_*
  std::uint64_t propagation = 0;                                             ///< MS_*; 0: unchanged.
  bool recursive_propagation = false;
};

/// A clone of a bind's source, or `tree` if there is one, with what its options ask for.
LooseMount loose_bind(const MountStep& step, base::UniqueFd tree, bool private_by_default);
/// Where trees cannot be cloned early (KernelFeatures::clones_trees), the source itself, to be cloned when it is bound.
base::UniqueFd clone_bind_source(const MountStep& step);

/// The file system of a step that is neither bind nor remount. Where the kernel refuses a fresh procfs, sysfs, mqueue
/// or cgroup2 because we do not own the namespace that it shows, the host's own tree.
LooseMount make_filesystem(const MountStep& step, const ContainerPlan& plan);

/// As make_filesystem, always the host's tree at `path`, with all mounts below it.
LooseMount loose_host_tree(const MountStep& step, const std::string& path, bool read_only);

/// What "remount" asks for: options of the file system, then attributes of the mount.
void change_mount(int mount, const MountOptions& options);

/// Sets what is still to be set.
void apply_attributes(const LooseMount& mount);

/// Like base::set_attributes, but flags that the host's mounts hand down stay: a user namespace can neither take them
/// away nor change how access times are kept.
void add_attributes(int tree, std::uint64_t set, std::uint64_t clear, bool recursive);

/// f_type of statfs(2).
long filesystem_magic(int fd);

}  // namespace runtime
