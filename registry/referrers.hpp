#pragma once

#include <string>
#include <vector>

#include "base/oci/descriptor.hpp"
#include "registry/image_source.hpp"
#include "registry/repository.hpp"

namespace registry {

inline constexpr std::size_t max_referrers = 10'000;

/// A manifest whose "subject" is another one: a signature, an attestation, a list of packages.
struct Referrer {
  oci::Descriptor descriptor;
  std::string artifact_type;  ///< May be empty.
};

struct Referrers {
  std::vector<Referrer> entries;
  bool has_api = false;  ///< The registry keeps the list itself; else it is an index under a tag that clients keep.
};

/// What refers to `subject`, by the API or by the tag. Nothing there is an empty list.
/// Source: OCI distribution-spec "Listing Referrers", "Unavailable Referrers API".
Referrers list_referrers(Repository& repository, const base::Digest& subject);

/// Pure. "sha256-<hex>": where clients keep the list for a registry that does not.
std::string referrers_tag(const base::Digest& subject);

/// Pure. The index that goes there, with `entries` in their order.
ManifestBytes referrers_index(const std::vector<Referrer>& entries);

/// Pure. Entries of `bytes`, an index. @throws Error corrupt.
std::vector<Referrer> parse_referrers(std::string_view bytes, std::string_view what);

/// Pure. Tags under which cosign keeps what belongs to an image, where it does not use referrers: "sha256-<hex>.sig"
/// and the same with .att and .sbom.
std::vector<std::string> cosign_tags(const base::Digest& image);

}  // namespace registry
