#pragma once

#include <string>

#include "base/oci/image_config.hpp"
#include "engine/context.hpp"
#include "engine/image_for_run.hpp"
#include "engine/run_options.hpp"
#include "storage/containers.hpp"

namespace engine {

/// What the record says of the options and the image's configuration; ids, mounts and the driver are noted later.
storage::ContainerRecord make_record(Engine& engine, const RunOptions& options, const oci::ImageConfig& image,
                                     const std::string& network);

/// The image, by name and digest, and its layers.
void add_image(storage::ContainerRecord& record, const ImageForRun& image);

/// @throws base::Error that begins with `what` when `path` cannot be resolved.
std::string absolute_path(const char* what, const std::string& path);

}  // namespace engine
