#pragma once

#include <string>

#include "engine/context.hpp"

namespace engine {

/// Gives a container another name, whether it runs or not. Its id, hostname and log stay. Source: podman-rename(1).
/// @throws Error already_exists, naming the container that has the name.
void rename(Engine& engine, const std::string& container, const std::string& name);

}  // namespace engine
