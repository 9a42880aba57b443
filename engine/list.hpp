#pragma once

#include <vector>

#include "engine/verbs.hpp"

namespace engine {

/// As in verbs.hpp. `is_incomplete` becomes true when a container could not be read; each such one is warned of.
std::vector<ContainerSummary> list_containers(Engine& engine, const ListOptions& options, bool& is_incomplete);

}  // namespace engine
