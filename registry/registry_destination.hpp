#pragma once

#include <memory>

#include "base/oci/reference.hpp"
#include "registry/client.hpp"
#include "registry/image_destination.hpp"
#include "registry/open_destination.hpp"

namespace registry {

/// A repository of a registry; mirrors are never written to. Manifests go there byte for byte; the root is put under
/// the reference's tag, or its digest when it has no tag. Source: OCI distribution-spec "Push".
std::unique_ptr<ImageDestination> open_docker_destination(const oci::Reference& reference,
                                                          const RegistryOptions& options, const BlobPlaces& places,
                                                          Sleeper sleeper = sleep_really);

}  // namespace registry
