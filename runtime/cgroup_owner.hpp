#pragma once

#include <optional>
#include <sys/types.h>

#include "runtime/spec.hpp"

namespace runtime {

/// Pure: the host's uid that shall own the container's v2 folder: that of its process, when the container has a cgroup
/// namespace of its own and may write /sys/fs/cgroup. Source: config-linux.md "Cgroup ownership".
std::optional<uid_t> cgroup_owner(const Spec& spec);

/// Pure: the host's uid of the container's process; nothing, when no mapping of ours tells.
std::optional<uid_t> host_uid(const Spec& spec);

/// Gives it the folder and those files in it that the kernel says may be delegated, and no others, which would let it
/// raise its own limits. What may not be given stays ours when `is_rootless`.
void give_cgroup(int folder, uid_t owner, bool is_rootless);

}  // namespace runtime
