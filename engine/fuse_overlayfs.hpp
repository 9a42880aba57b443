#pragma once

#include <sys/types.h>

#include "base/mount.hpp"
#include "base/process.hpp"
#include "engine/context.hpp"

namespace engine {

/// Starts the fuse-overlayfs server for a mount that init made in its own mount namespace: a child that joins init's
/// user namespace and executes `fuse-overlayfs -f … /dev/fd/N`. It ends when the mount goes away.
base::Child serve_fuse_overlayfs(const Engine& engine, const base::RootfsMount& rootfs, int fuse_fd, pid_t init_pid);

/// For who entered user and mount namespaces itself, and mounts there: a child that ends with us at the latest.
base::Child serve_fuse_overlayfs_here(const Engine& engine, const base::RootfsMount& rootfs, int fuse_fd);

/// As above, but it goes on without us until the mount goes away, from a mount namespace of its own.
base::Child serve_fuse_overlayfs_beside(const Engine& engine, const base::RootfsMount& rootfs, int fuse_fd);

/// As the first, for rootfs.served_lowers: it shows the lower directories only, and in a user namespace of its own with
/// the caller's default map, so that an id has the number there that the image says, and the container takes it for its
/// own id of that number.
base::Child serve_lowers(const Engine& engine, const base::RootfsMount& rootfs, int fuse_fd);

/// `engine _inside fuse-overlayfs PROGRAM WORDS…`: the child half; descriptor 3 is the user namespace.
int run_fuse_overlayfs(const std::vector<std::string>& words);

/// `engine _inside fuse-beside PROGRAM WORDS…`: the child half.
int run_fuse_beside(const std::vector<std::string>& words);

/// `engine _inside fuse-lowers PROGRAM WORDS…`: the child half; descriptor 3 is the channel.
int run_fuse_lowers(const std::vector<std::string>& words);

}  // namespace engine
