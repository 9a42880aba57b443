#pragma once

#include <string>
#include <string_view>

#include "base/oci/image_config.hpp"
#include "storage/images.hpp"

namespace engine {

/// All that `inspect` of an image shows.
struct InspectedImage {
  storage::NamedImage image;
  std::string config_json;               ///< The config blob, as it came.
  std::string manifest_json;             ///< The manifest blob, as it came.
  std::vector<std::string> layer_paths;  ///< Absolute paths of the unpacked layers, lowest first.
  std::string driver;
};

/// Pure: compact JSON with podman's names, in podman's order. Source: podman-image-inspect(1).
std::string inspect_image_text(const InspectedImage& inspected);

}  // namespace engine
