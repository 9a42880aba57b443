#pragma once

#include <vector>

#include "engine/verbs.hpp"

namespace engine {

/// As in verbs.hpp. `is_incomplete` becomes true when a container could not be read; each such one is warned of.
std::vector<ContainerSummary> list_containers(Engine& engine, const ListOptions& options, bool& is_incomplete);

/// Blocks on the disk.
struct ContainerBytes {
  std::uint64_t writable = 0;  ///< What the container has written.
  std::uint64_t all = 0;       ///< With its image.
};
/// Of each of these, in their order.
std::vector<ContainerBytes> container_sizes(Engine& engine, const std::vector<std::string>& ids);

/// "4026531836", the namespace of a process; empty where it cannot be read. @param type  As in /proc/PID/ns.
std::string namespace_number(int pid, const char* type);

}  // namespace engine
