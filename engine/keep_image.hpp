#pragma once

#include <string>
#include <vector>

#include "base/digest.hpp"
#include "engine/context.hpp"
#include "engine/pull_source.hpp"
#include "registry/image_source.hpp"

namespace engine {

/// From a source to an image in the store: manifest, config and layers, each verified, unpacked for our ids, and
/// recorded under its names, which may be none. Used by pull, load and import.
/// @param root      The source's root, fetched already.
/// @param platform  os/arch[/variant]; empty: this machine's.
/// @return          The image id, 64 hex digits.
std::string keep_image(Engine& engine, registry::ImageSource& source, registry::ManifestBytes root,
                       const std::vector<std::string>& names, const std::string& platform);

/// Everything that the image needs in the store, for Staging::keep.
std::vector<base::Digest> parts_to_keep(const ImageParts& parts);

}  // namespace engine
