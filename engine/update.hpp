#pragma once

#include <string>

#include "engine/context.hpp"
#include "engine/resource_limits.hpp"

namespace engine {

struct UpdateOptions {
  std::string container;
  LimitWords limits;
};
/// Changes the limits of a container, for all its lives to come and, when it runs, at once; it gets a cgroup when it
/// has none. Its id. Source: podman-update(1).
/// @throws Error invalid_argument for a bad value; unsupported where a running container's limit cannot be set. Nothing
/// is recorded then.
std::string update(Engine& engine, const UpdateOptions& options);

}  // namespace engine
