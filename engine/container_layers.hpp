#pragma once

#include <functional>
#include <vector>

#include "base/fd.hpp"
#include "engine/context.hpp"
#include "storage/containers.hpp"
#include "storage/pack_tar.hpp"

// The files of a container without its mounts: the directories that its root file system is made of, read where they
// lie, whether it runs or not. To be used inside the user namespace with the caller's full map.

namespace engine {

struct ContainerLayers {
  /// The uppermost, which is the container's own, first. Copied and plain trees: that one alone.
  std::vector<base::UniqueFd> layers;
  /// Copied trees: what it was copied from.
  base::UniqueFd original;
  bool is_union = false;
};

ContainerLayers open_container_layers(Engine& engine, const storage::ContainerDir& container,
                                      const storage::ContainerRecord& record);

/// Owners as the container sees them. Where there is a single id, those that the image's archives said, for everything
/// that the image has too.
std::function<void(storage::tar::PackedEntry&)> owners_in_container(Engine& engine,
                                                                    const storage::ContainerDir& container,
                                                                    const storage::ContainerRecord& record);

}  // namespace engine
