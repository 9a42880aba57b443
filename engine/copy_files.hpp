#pragma once

#include <string>
#include <vector>

#include "base/channel.hpp"
#include "engine/context.hpp"

// cp: files into, out of and between containers. A helper that works with the container's ids touches the container's
// files, this process touches the caller's; what goes between them is entries and descriptors of regular files.

namespace engine {

struct CopyFilesOptions {
  std::string source;       ///< "CONTAINER:PATH", a path of the host, or "-": a tar from standard input.
  std::string destination;  ///< Likewise; "-": a tar to standard output.
  bool archive = true;      ///< What comes into a container belongs to its user; else to who owns it here.
  bool overwrite = false;   ///< A directory may take the place of something else, and the other way round.
};

/// docker's rules for what lies where, which are podman's: podman-cp(1).
/// @throws Error not_found; invalid_argument; already_exists.
void copy_files(Engine& engine, const CopyFilesOptions& options);

/// `_inside cp-running`: descriptor 3 is the channel, 4 the container's user namespace, 5 its root.
int serve_copy_running();
/// `_inside cp-stopped ID`, in the mapped namespace.
void serve_copy_stopped(Engine& engine, const std::string& id, const base::Channel& channel);

}  // namespace engine
