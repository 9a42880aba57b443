#pragma once

#include <string>
#include <vector>

#include "engine/context.hpp"

// The verbs mount and unmount: a container's files where the user can reach them, inside of `engine unshare`.

namespace engine {

struct MountedContainer {
  std::string id;
  std::string name;
  std::string path;
};

/// A container that runs is shown as it is, for reading: the kernel does not let two mounts write to the same files.
/// Its volumes are not part of it. Source: podman-mount(1).
/// @throws Error not_found; unsupported outside of engine unshare, and for fuse-overlayfs.
MountedContainer mount_container(Engine& engine, const std::string& name);
/// By id.
std::vector<MountedContainer> mounted_containers(Engine& engine);
/// What is not mounted stays so.
void unmount_container(Engine& engine, const std::string& name);
/// Of a container that is removed. In a mount namespace that is not ours the mount goes with its place.
void drop_container_mount(const storage::Store& store, const std::string& id) noexcept;

}  // namespace engine
