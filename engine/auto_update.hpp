#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/context.hpp"

namespace engine {

struct AutoUpdateOptions {
  bool dry_run = false;   ///< Says what would be updated.
  bool rollback = true;   ///< Back to the image from before when a unit does not come up with the new one.
  std::string auth_file;  ///< Label io.containers.autoupdate.authfile of a container goes first.
  std::optional<bool> tls_verify;
};

/// One container that its label io.containers.autoupdate offers for updates.
struct AutoUpdated {
  std::string unit, container_id, container_name;
  std::string image;              ///< By the name that it was made of.
  std::string policy;             ///< registry|local
  std::string updated = "false";  ///< true|false|pending|failed|rolled back
  std::string error;              ///< Of failed and rolled back: why.
};

/// Running containers with that label, whose images are looked at again: at the registry, or in the store. Where there
/// is another one, it is pulled and the unit restarted, each unit once. Source: podman-auto-update(1).
std::vector<AutoUpdated> auto_update(Engine& engine, const AutoUpdateOptions& options);

}  // namespace engine
