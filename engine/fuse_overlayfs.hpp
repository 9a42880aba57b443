#pragma once

#include <sys/types.h>

#include "base/mount.hpp"
#include "base/process.hpp"
#include "engine/context.hpp"

namespace engine {

/// Starts the fuse-overlayfs server for a mount that init made in its own mount namespace: a child that joins init's
/// user namespace and executes `fuse-overlayfs -f … /dev/fd/N`. It ends when the mount goes away.
base::Child serve_fuse_overlayfs(const Engine& engine, const base::RootfsMount& rootfs, int fuse_fd, pid_t init_pid);

/// `engine _inside fuse-overlayfs PROGRAM WORDS…`: the child half; descriptor 3 is the user namespace.
int run_fuse_overlayfs(const std::vector<std::string>& words);

}  // namespace engine
