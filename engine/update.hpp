#pragma once

#include <optional>
#include <string>

#include "engine/context.hpp"
#include "engine/resource_limits.hpp"
#include "engine/run_options.hpp"

namespace engine {

struct UpdateOptions {
  std::string container;
  LimitWords limits;
  std::optional<std::string> restart;  ///< --restart
  HealthWords health;                  ///< --health-*
};
/// Changes the limits of a container, for all its lives to come and, when it runs, at once; it gets a cgroup when it
/// has none. What is to become of it at its end holds at once; of its health checks a running monitor uses what it
/// can: the command and the limits, and the rest from the next start on. Its id. Source: podman-update(1).
/// @throws Error invalid_argument for a bad value; unsupported where a running container's limit cannot be set. Nothing
/// is recorded then.
std::string update(Engine& engine, const UpdateOptions& options);

}  // namespace engine
