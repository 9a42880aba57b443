#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "registry/image_source.hpp"
#include "registry/spool_place.hpp"

namespace registry {

/// One image of an archive or folder that may hold several.
struct ArchivedImage {
  std::vector<std::string> names;  ///< Full where they can be, "docker.io/library/busybox:latest"; may be empty.
  std::function<std::unique_ptr<ImageSource>()> open;  ///< Reads what the archive says of this image.
  std::string transport = {};                          ///< "docker-archive", "oci-archive", "oci" or "dir".
};

/// All images at `path`: an archive of docker save or in OCI layout, compressed or not, or a folder in OCI layout or of
/// the transport dir, told apart by what is in them. Where both layouts are (docker since 25), the OCI one counts: it
/// keeps digests. "-" is standard input. @throws Error not_found, corrupt, no_space.
std::vector<ArchivedImage> open_image_archive(const std::string& path, const SpoolPlace& spool = {});

}  // namespace registry
