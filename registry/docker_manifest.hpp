#pragma once

#include <string>

#include "base/oci/manifest.hpp"

namespace registry {

/// Docker's manifest (image manifest version 2, schema 2) for what an OCI manifest means, the bytes of config and
/// layers left as they are. Fixed: the same image gives the same bytes. @throws Error unsupported, for layers in zstd,
/// which that format has no name for.
std::string write_docker_manifest(const oci::Manifest& manifest);

}  // namespace registry
