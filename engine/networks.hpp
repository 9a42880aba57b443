#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/context.hpp"

namespace engine {

/// A network that containers can ask for by name. There is nothing to make or to remove: they are built in.
struct NamedNetwork {
  std::string name;  ///< podman|host|none
  std::string id;    ///< 64 hexadecimal digits: the hash of the name, as podman's
  std::string driver;
};

/// What `network ls` shows. @param filters "name=x", "id=…", "driver=…". @throws Error invalid_argument.
std::vector<NamedNetwork> named_networks(const std::vector<std::string>& filters);

/// By name, docker's name ("bridge", "default"), id or the beginning of one.
std::optional<NamedNetwork> find_network(const std::string& text);

/// JSON text, podman's types.Network.
std::string inspect_network(const NamedNetwork& network);

}  // namespace engine
