#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/mount.hpp"
#include "runtime/kernel.hpp"

namespace runtime {

/// The directories that a root file system is made of, opened in the mount namespace that mounts it: the kernel refuses
/// descriptors from another one (EINVAL).
struct RootfsSource {
  base::RootfsDriver driver = base::RootfsDriver::plain;
  std::vector<base::UniqueFd> lowers;
  base::UniqueFd upper;
  base::UniqueFd work;
  bool read_only = false;
  bool volatile_upper = false;
  bool served_lowers = false;
};

/// Reopens what was opened before unshare(CLONE_NEWNS), by path, and checks that device and inode are the same.
RootfsSource reopen_rootfs(const base::RootfsMount& mount);
/// A directory by its path: what root.path of a bundle names.
RootfsSource open_rootfs(const std::string& path);

/// Mounts it, detached. Needs mapped ids. Where kernel.sets_attributes is false, the caller makes a read-only one
/// read-only once it is attached.
/// @param serve_fuse   Given the /dev/fuse descriptor, returns when a server was started for it.
base::UniqueFd mount_rootfs(const RootfsSource& source, const KernelFeatures& kernel,
                            const std::function<void(int fuse_fd)>& serve_fuse);

/// For a process that entered its own user and mount namespace without init: the tree of a container, detached. No
/// server of fuse-overlayfs is started. @throws Error unsupported for that driver.
base::UniqueFd mount_rootfs_detached(const base::RootfsMount& mount);

}  // namespace runtime
