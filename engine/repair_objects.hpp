#pragma once

#include <string>
#include <vector>

#include "engine/upkeep.hpp"
#include "storage/check.hpp"

namespace engine {

/// Images, layers and compressed layers: made again by `engine-transfer _repair`, from what the store has and else from
/// the registries of their names. An image that nobody has any more loses its names, and the containers of it, when the
/// user said --force, go; as long as a registry only does not answer, nothing is given up without that.
void repair_objects(Engine& engine, const CheckOptions& options, const std::vector<storage::Finding>& findings,
                    std::vector<std::string>& lost);

}  // namespace engine
