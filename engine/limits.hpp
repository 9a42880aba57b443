#pragma once

#include <string>
#include <vector>

#include "runtime/spec.hpp"

namespace engine {

/// --ulimit NAME=SOFT[:HARD] and "host"; limits that were not named are the caller's hard ones for nofile and nproc, as
/// podman gives a rootless container. What is above our own hard limit is lowered to it with a warning.
/// @throws Error invalid_argument.
std::vector<runtime::Rlimit> container_limits(const std::vector<std::string>& ulimits);

}  // namespace engine
