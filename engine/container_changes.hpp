#pragma once

#include <vector>

#include "engine/container_layers.hpp"
#include "engine/image_views.hpp"

namespace engine {

/// What the container has made of its image, in order of the paths: a directory counts as changed when something in it
/// is. From what its own tree has (overlay), or by comparing two trees (copied ones) by type, mode, owner, size and
/// time. @throws Error unsupported, when it has no image.
std::vector<ImageChange> container_changes(const ContainerLayers& layers);

}  // namespace engine
