#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "registry/image_destination.hpp"
#include "registry/image_writer.hpp"
#include "registry/open_source.hpp"

namespace registry {

/// Repositories ("registry.example/team/app") in which a blob is likely to be: a registry may take it from one of its
/// own instead of from us.
using BlobPlaces = std::map<base::Digest, std::vector<std::string>>;

/// Opens what an image is written to: "docker://name", "oci:path[:tag]", "oci-archive:…", "docker-archive:…",
/// "dir:path". For docker `name.rest` must be fully qualified, and nothing is sent yet. Thread-safe afterwards.
/// @param inflate  For docker-archive, whose layers are uncompressed; without it that is not supported.
/// @throws Error unsupported, for a transport that cannot be written to.
std::unique_ptr<ImageDestination> open_destination(const SourceName& name, const RegistryOptions& options,
                                                   const BlobPlaces& places = {}, Inflate inflate = {});

}  // namespace registry
