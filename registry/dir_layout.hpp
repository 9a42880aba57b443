#pragma once

#include <memory>
#include <string>

#include "registry/byte_range.hpp"
#include "registry/image_source.hpp"

namespace registry {

/// An image of the transport dir: manifest.json, blobs by the hex digits of their digests, and
/// "<hex>.manifest.json" for what an index names. Source: containers-transports(5) "dir:path".
std::unique_ptr<ImageSource> open_dir_layout(std::shared_ptr<const NamedFiles> files, const std::string& path);

}  // namespace registry
