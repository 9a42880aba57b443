#pragma once

#include <string>

#include "engine/context.hpp"

namespace engine {

/// Why no helper could connect a container here, found by starting one for a network namespace; empty: it can.
std::string try_user_network(Engine& engine);

/// `engine _inside probe-network`: the process that this namespace is for. Returns the exit code.
int probe_network_inside();

}  // namespace engine
