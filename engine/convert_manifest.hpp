#pragma once

#include <optional>
#include <string_view>

#include "registry/image_source.hpp"

namespace engine {

enum class ManifestFormat { oci, docker };

/// "oci"; "v2s2" and "docker". @throws Error invalid_argument, or unsupported for Docker schema 1.
ManifestFormat parse_manifest_format(std::string_view text);

/// Pure. The manifest in that format: the same blobs under other media types, so that its digest is another one.
/// One that is in that format already keeps its bytes. Annotations have no place in Docker's.
/// @throws Error unsupported, for an index, an artifact, or layers that the format has no type for.
registry::ManifestBytes convert_manifest(const registry::ManifestBytes& manifest, ManifestFormat format);

}  // namespace engine
