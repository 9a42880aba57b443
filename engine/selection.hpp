#pragma once

#include <string>
#include <vector>

#include "engine/context.hpp"
#include "storage/containers.hpp"

namespace engine {

/// A container that the user named, and what the name was (commands print it back).
struct Selected {
  std::string typed;
  storage::ContainerDir container;
};

/// In the user's order. @throws Error not_found for the first name that means nothing, unless those are to be ignored;
/// invalid_argument when ambiguous, or when nothing was named.
std::vector<Selected> select_containers(Engine& engine, const std::vector<std::string>& names, bool ignore_missing);

/// One container. @throws as above.
storage::ContainerDir require_container(Engine& engine, const std::string& name);

}  // namespace engine
