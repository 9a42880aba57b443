#pragma once

#include <string>
#include <vector>

#include "engine/context.hpp"
#include "registry/image_source.hpp"

namespace engine {

/// pull --dry-run: a line for each layer, what would be done with it, and one for the sum. Manifests and the config are
/// fetched, nothing is written.
std::vector<std::string> rehearse_pull(Engine& engine, registry::ImageSource& source, registry::ManifestBytes root,
                                       const std::string& platform, const std::string& shown_name);

}  // namespace engine
