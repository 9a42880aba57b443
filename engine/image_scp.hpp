#pragma once

#include <string>

#include "engine/context.hpp"

namespace engine {

/// One end of `image scp`: "HOST::IMAGE", "HOST::", "IMAGE".
struct ScpPlace {
  std::string host;   ///< What ssh understands: "user@host", "ssh://user@host:22"; empty: here.
  std::string user;   ///< Of "user@localhost": another user of this machine; then there is no host.
  std::string image;  ///< May be empty where it is loaded.
  bool is_here() const { return host.empty() && user.empty(); }
};
/// Pure. @throws Error invalid_argument, for what ssh would take for an option, and for an image that is no name.
ScpPlace parse_scp_place(const std::string& typed);

struct ScpOptions {
  std::string source;
  std::string destination;  ///< Empty: here, or for an image of here root, whose image it becomes.
  bool quiet = false;
};
/// Copies an image by `save` at one end and `load` at the other, which engine or podman does, over ssh or as another
/// user. What it prints goes to our standard output and error.
/// @throws Error network, when one of the ends failed, which has said why.
void scp_image(Engine& engine, const ScpOptions& options);

}  // namespace engine
