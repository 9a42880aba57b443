#pragma once

#include <string>
#include <vector>

#include "engine/context.hpp"

namespace engine {

/// What `container clone` needs to know of the container that it makes another one like.
struct CloneSource {
  std::string id;
  std::string name;
  std::string image_id;  ///< Empty with --rootfs.
  /// The words that made it, beginning with the program's name.
  std::vector<std::string> command_line;
};
/// @throws Error not_found; unsupported for a container whose record has no such words.
CloneSource clone_source(Engine& engine, const std::string& container);

/// "web-clone", "web-clone1" …: the first that no container has. Source: podman-container-clone(1).
std::string free_clone_name(Engine& engine, const std::string& name);

/// Takes away what a container that does not run may have left beside its files, and with `removes` the container.
/// @throws Error not_found; in_use, when it runs.
void clean_up_container(Engine& engine, const std::string& container, bool removes);

/// Gives a clone what `update` has changed of its original since that was made: restarts and health checks.
void copy_watch(Engine& engine, const std::string& from_id, const std::string& to_id);

}  // namespace engine
