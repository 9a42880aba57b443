#pragma once

#include <string>
#include <vector>

#include "engine/upkeep.hpp"
#include "storage/check.hpp"

namespace engine {

/// Does what can be done about each finding, small things first; whether it helped is for another check to see.
/// Never touches what a container wrote, or the content of volumes. Adds to `lost` a line for each thing given up, and
/// one for each attempt that failed.
void repair(Engine& engine, const CheckOptions& options, const std::vector<storage::Finding>& findings,
            std::vector<std::string>& lost);

}  // namespace engine
