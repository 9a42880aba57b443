#pragma once

#include <string>

#include "rootless/id_map.hpp"
#include "runtime/spec.hpp"

namespace engine {

/// Where another OCI runtime works, and what is there.
struct ExternalPlace {
  std::string program;       ///< "crun", "runc", …
  rootless::IdMap map;       ///< Of the container.
  rootless::IdMap outer;     ///< Of the user namespace that the runtime is in.
  bool has_outer = true;     ///< False: it is root, in the host's user namespace.
  std::string root_path;     ///< Where the root file system is mounted.
  std::string init_program;  ///< --init: a program on the host; empty: none.
};

/// Pure. Our config.json as crun, runc and runsc want it: ids as the runtime sees them, a user namespace only where the
/// container has other ids, no cgroup but the one that it is started in, and of the host's proc and sysfs what may be
/// mounted there.
runtime::Spec external_spec(runtime::Spec spec, const ExternalPlace& place);

/// Pure. Why this container cannot be started by another runtime; empty: it can.
std::string external_obstacle(const runtime::Spec& spec, const std::string& program);

}  // namespace engine
