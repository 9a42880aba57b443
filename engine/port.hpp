#pragma once

#include <string>
#include <vector>

#include "engine/context.hpp"
#include "rootless/ports.hpp"

namespace engine {

struct ContainerPorts {
  std::string id;
  std::vector<rootless::PortMapping> ports;
};

/// What running containers publish; those without ports are left out. Who is in another container's network has that
/// one's ports. Source: podman-port(1).
/// @param container  Name or id; empty: all. @throws Error not_found.
std::vector<ContainerPorts> ports_of_running(Engine& engine, const std::string& container);

}  // namespace engine
