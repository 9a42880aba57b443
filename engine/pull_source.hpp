#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/oci/image_config.hpp"
#include "base/oci/manifest.hpp"
#include "engine/context.hpp"
#include "engine/verbs.hpp"
#include "registry/image_source.hpp"
#include "registry/open_source.hpp"

namespace engine {

/// What an image is made of, all digests checked, before any layer is fetched.
struct ImageParts {
  std::optional<registry::ManifestBytes> index;  ///< The one that the manifest was chosen from.
  registry::ManifestBytes manifest;
  oci::Manifest parsed;
  std::string config_bytes;
  oci::ImageConfig config;
  std::vector<base::Digest> chain_ids;  ///< As many as parsed.layers.
};

registry::RegistryOptions registry_options(const Engine& engine, const PullOptions& options);

/// An image's manifest, and the index that it was chosen from.
struct ChosenManifest {
  std::optional<registry::ManifestBytes> index;
  registry::ManifestBytes manifest;
  oci::Manifest parsed;
};
/// Follows an index to the manifest for `platform` (empty: this machine).
/// @throws Error not_found, no such platform; corrupt.
ChosenManifest choose_for_platform(registry::ImageSource& source, registry::ManifestBytes root,
                                   const std::string& platform, const std::string& shown_name);

/// As above, and fetches the config.
/// @throws Error not_found, no such platform; unsupported, when it is not a container image; corrupt.
ImageParts fetch_parts(registry::ImageSource& source, registry::ManifestBytes root, const std::string& platform,
                       const std::string& shown_name);

}  // namespace engine
