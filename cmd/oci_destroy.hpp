#pragma once

#include <string>

#include "cmd/oci_folder.hpp"
#include "cmd/oci_verbs.hpp"

namespace cmd {

/// Ends what still runs of the container, removes its cgroup and its folder, and runs its poststop hooks.
/// Source: runtime.md "Lifecycle" 12 and 13. @throws Error when a process does not end; the folder stays then.
void destroy_oci_container(const std::string& root, LockedContainer locked);

/// Destroys what a killed `create` has left under this id, if that is what is there.
void discard_unfinished(const std::string& root, const std::string& id);

}  // namespace cmd
