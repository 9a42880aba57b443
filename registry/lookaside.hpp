#pragma once

#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/oci/reference.hpp"
#include "registry/open_source.hpp"

// Signatures of simple signing, kept apart from the images. Source: containers/image docs/signature-protocols.md.

namespace registry {

inline constexpr std::size_t max_lookaside_signatures = 128;

/// All that is at `url` for the image `digest`, in order: "<url>@sha256=<hex>/signature-1", -2, … until one is absent.
/// @param url      Of the repository: file, http or https. Trust and --tls-verify are those of `image`'s registry.
/// @throws Error network; invalid_argument, for another scheme; corrupt, for one that is too long.
std::vector<std::string> read_lookaside(const std::string& url, const oci::Reference& image, const base::Digest& digest,
                                        const RegistryOptions& options);

/// Puts one signature behind those that are there; the same bytes twice are one. Returns its path.
/// @throws Error unsupported, for a `url` that is no file.
std::string write_lookaside(const std::string& url, const base::Digest& digest, const std::string& signature);

/// The files signature-1, -2, … of one folder, as those of an image of the transport dir.
std::vector<std::string> read_signature_files(const std::string& folder);
/// As write_lookaside, in that folder, which is made where it is absent.
std::string write_signature_file(const std::string& folder, const std::string& signature);

}  // namespace registry
