#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/oci/descriptor.hpp"

namespace oci {

inline constexpr std::string_view media_type_oci_manifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view media_type_oci_index = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view media_type_docker_manifest = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view media_type_docker_list = "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::size_t max_manifest_bytes = 4 * 1024 * 1024;
inline constexpr std::size_t max_config_bytes = 8 * 1024 * 1024;
inline constexpr std::size_t max_layers = 500;  ///< overlay refuses the 501st lower directory.

/// Views of bytes; never written back (bytes with a digest stay bytes).
struct Manifest {
  std::string media_type;
  Descriptor config;
  std::vector<Descriptor> layers;  ///< Lowest first.
};

struct Index {
  std::string media_type;
  std::vector<Descriptor> manifests;
};

/// Manifest or index, told apart by the media type of the body, else by `content_type`, which must agree if both are
/// given; a body with both "layers" and "manifests" is refused, schema 1 with a clear message.
std::variant<Manifest, Index> parse_manifest(std::string_view bytes, std::string_view content_type, std::string what);

enum class LayerCompression { none, gzip, zstd };
/// From the media type of a layer (OCI and Docker names; "+zstd", "+gzip", ".tar"). @throws Error unsupported for
/// foreign (non-distributable without urls) and encrypted layers and for unknown types.
LayerCompression layer_compression(const Descriptor& layer);

}  // namespace oci
