#pragma once

#include <string>
#include <vector>

#include "engine/context.hpp"

namespace engine {

struct PauseOptions {
  std::vector<std::string> containers;
  bool one_of_all = false;  ///< One turn of --all: what cannot be paused, or unpaused, is passed over.
};
/// Lets all processes of running containers stand still. What the user named, for each. Source: podman-pause(1).
/// @throws Error in_use for one that does not run, or stands still; unsupported, where it can have no cgroup.
std::vector<std::string> pause(Engine& engine, const PauseOptions& options);
/// Lets them go on. @throws Error in_use for one that is not paused.
std::vector<std::string> unpause(Engine& engine, const PauseOptions& options);

}  // namespace engine
