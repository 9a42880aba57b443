#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "engine/context.hpp"

namespace engine {

struct UpdateOptions {
  std::string container;
  /// Option and value as typed: "memory" "64m", "cpus" "1.5". Names: those of update_options().
  std::vector<std::pair<std::string, std::string>> limits;
};
/// Sets limits of a running container; it gets a cgroup when it has none. Its id. Source: podman-update(1).
/// @throws Error invalid_argument for a bad value; unsupported where the limit cannot be set.
std::string update(Engine& engine, const UpdateOptions& options);

/// Pure: linux.resources of the runtime-spec for such limits. @throws Error invalid_argument.
std::string resources_of(const std::vector<std::pair<std::string, std::string>>& limits);

}  // namespace engine
