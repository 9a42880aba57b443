#pragma once

#include <string>
#include <sys/types.h>

#include "rootless/host_facts.hpp"
#include "rootless/id_map.hpp"

namespace rootless {

struct IdMapHelper {
  std::string path;     ///< Absolute; empty when it cannot be used.
  std::string problem;  ///< Why not: "newuidmap is not installed", "… is not setuid root".
};

/// Looks for `name` ("newuidmap", "newgidmap") and for what would keep it from working: no setuid bit and no file
/// capability, a nosuid mount, no_new_privs, `capability` (CAP_SETUID, CAP_SETGID) missing in the bounding set.
IdMapHelper find_id_map_helper(const std::string& name, unsigned capability);

/// Runs newuidmap and newgidmap for a child of ours that waits in a fresh user namespace, both at once.
/// @throws Error permission, with the helper's own words and a hint.
/// Source: newuidmap(1), newgidmap(1).
void run_id_map_helpers(pid_t pid, const IdMap& map, const HostFacts& host);

}  // namespace rootless
