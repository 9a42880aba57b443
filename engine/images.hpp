#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "storage/images.hpp"

namespace engine {

/// Whether `engine images FILTER` shows this name. A filter is a name with or without tag, its first path components
/// left out or not ("alpine", "library/alpine:3"), or a pattern with *, ? or [ over any of these forms. Pure.
/// Source: podman-images(1).
bool matches_image_filter(std::string_view name, const std::string& filter);

/// The name as it is stored: "foo" becomes "localhost/foo:latest", as with podman.
/// @throws Error invalid_argument, when it is no name or has a digest.
std::string name_for_tagging(const std::string& name);

/// "repository@digest" for each repository that the image has a name in, for its manifest and for its index. Pure.
std::vector<std::string> repo_digests_of(const storage::NamedImage& image);

/// @throws Error not_found, "NAME: image not known".
/// Why an image of a shared store is not removed, nor its names.
base::Error read_only_error(const std::string& image);
storage::NamedImage require_image(const storage::Store& store, const std::string& name);

}  // namespace engine
