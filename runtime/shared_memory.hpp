#pragma once

#include <vector>

#include "runtime/mounts.hpp"

namespace runtime {

/// Puts the /dev/shm of another container into the mount that has a tmpfs there. That container may be hostile: what is
/// taken is a tmpfs mounted in its own mount namespace, with at least the attributes that the mount asks for.
/// @param owner  Its mount namespace; we have all rights in the user namespace that owns it.
/// @throws Error in_use, when it has none.
void share_memory(std::vector<PreparedMount>& mounts, int owner);

}  // namespace runtime
