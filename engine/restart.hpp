#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/context.hpp"

namespace engine {

struct RestartOptions {
  std::vector<std::string> containers;
  bool one_of_all = false;    ///< One turn of --all: may have gone meanwhile.
  bool only_running = false;  ///< Those that do not run are passed over; else they are started.
  std::optional<unsigned> timeout_seconds;
};

/// Stops what runs, as `stop` does, and starts it again in the background. What the user named, for each.
/// @throws Error in_use for a container that would be removed as soon as it stops. Source: podman-restart(1).
std::vector<std::string> restart(Engine& engine, const RestartOptions& options);

}  // namespace engine
