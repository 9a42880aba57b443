#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/oci/reference.hpp"
#include "base/progress.hpp"
#include "registry/open_source.hpp"

namespace engine {

/// Two repositories, and how to reach them.
struct ReferrersRoute {
  const oci::Reference& from;
  const oci::Reference& to;
  const registry::RegistryOptions& from_options;
  const registry::RegistryOptions& to_options;
  std::size_t jobs = 6;
};

/// Copies what refers to `images`, manifests that are at both ends by now, and what refers to that. Where the
/// destination keeps no list of referrers, the tag that stands in for it is written as well.
/// @return  Digests of manifests, and tags of cosign that were copied.
/// Source: OCI distribution-spec "Pushing Manifests with Subject".
std::vector<std::string> copy_referrers(const ReferrersRoute& route, const std::vector<base::Digest>& images,
                                        base::Progress& progress);

}  // namespace engine
