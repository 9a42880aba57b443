#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/digest.hpp"
#include "base/oci/descriptor.hpp"
#include "base/oci/platform.hpp"

// Pure: config and manifest of an image with some of it changed. What is not changed stays, also what only others know.

namespace engine {

/// Nothing, or empty: it stays as it is.
struct ConfigChanges {
  std::optional<std::vector<std::string>> entrypoint, command;
  std::vector<std::string> env;     ///< "NAME=VALUE", each in the place of an older value.
  std::vector<std::string> labels;  ///< Likewise.
  std::vector<std::string> ports;   ///< "80/tcp", added.
  std::optional<std::string> user, work_dir;
  std::optional<oci::Platform> platform;
};

struct AddedLayer {
  oci::Descriptor descriptor;
  base::Digest diff_id;
};

/// @param created  RFC 3339, for the history of added layers.
/// @throws Error corrupt; invalid_argument, for what is not NAME=VALUE.
std::string change_config(std::string_view config, const ConfigChanges& changes, const std::vector<AddedLayer>& layers,
                          const std::string& created);

/// With the new config and more layers, in the format that it has.
std::string change_manifest(std::string_view manifest, const oci::Descriptor& config,
                            const std::vector<AddedLayer>& layers, const std::vector<std::string>& annotations);

}  // namespace engine
