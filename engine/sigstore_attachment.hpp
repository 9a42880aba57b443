#pragma once

#include <string>

#include "base/digest.hpp"
#include "base/oci/reference.hpp"
#include "registry/open_source.hpp"

namespace engine {

/// What cosign keeps beside an image: under the tag "sha256-<hex>.sig" a manifest with a layer for each signature.
inline constexpr std::string_view cosign_layer_type = "application/vnd.dev.cosign.simplesigning.v1+json";
inline constexpr std::string_view cosign_annotation = "dev.cosignproject.cosign/signature";
oci::Reference cosign_place(const oci::Reference& image, const base::Digest& manifest);

/// Adds a signature to those of `image` that are in its registry. @param signature  DER.
void attach_signature(const oci::Reference& image, const base::Digest& manifest, const std::string& payload,
                      const std::string& signature, const registry::RegistryOptions& options);

}  // namespace engine
