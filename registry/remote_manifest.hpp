#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/digest.hpp"
#include "registry/repository.hpp"

namespace registry {

/// What a registry says about a manifest without sending it.
struct ManifestHead {
  base::Digest digest;
  std::string media_type;        ///< May be empty.
  std::uint64_t size_bytes = 0;  ///< 0: it did not say.
};

/// By HEAD. Nothing, when the registry does not answer with a digest of ours, or not with 200: then only a GET tells,
/// also why. `name` is a tag or a digest. Source: OCI distribution-spec "Checking if content exists in the registry".
std::optional<ManifestHead> head_manifest(Repository& repository, const std::string& name);

/// Deletes the manifest with that digest, and with it every tag that means it.
/// @throws Error not_found; unsupported, when the registry does not permit it. Source: "Deleting Manifests".
void delete_manifest(Repository& repository, const base::Digest& digest);

/// Deletes one name alone. False when the registry can only delete by digest. Source: "Deleting tags".
bool delete_tag(Repository& repository, const std::string& tag);

}  // namespace registry
