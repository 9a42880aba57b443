#pragma once

#include "base/mount.hpp"
#include "base/process.hpp"
#include "engine/context.hpp"
#include "storage/containers.hpp"

// A container's root file system without its container: for cp and mount, which work in a user namespace with the
// caller's full map and a mount namespace of their own.

namespace engine {

struct ContainerRootfs {
  base::Child server;    ///< Of fuse-overlayfs, which ends with the mount; else none.
  base::UniqueFd mount;  ///< Detached. Closed before the server is waited for.
};

/// The directories that it is made of, to be written to.
base::RootfsMount plan_container_rootfs(Engine& engine, const storage::ContainerDir& container,
                                        const storage::ContainerRecord& record);
/// The uppermost of them as one more lower directory: the container itself may go on writing to it.
void show_for_reading(base::RootfsMount& plan);

enum class MountLife {
  ours,  ///< A server ends with us at the latest.
  its_own
};
ContainerRootfs mount_container_rootfs(const Engine& engine, const base::RootfsMount& plan,
                                       MountLife life = MountLife::ours);

}  // namespace engine
