#pragma once

#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/mount.hpp"
#include "engine/container_ids.hpp"
#include "engine/context.hpp"
#include "storage/containers.hpp"

// The writable directory of a container must belong to its root. With the default map that is the caller. With other
// maps init gives it to root at the first start, where the caller is among its ids; else a helper does at once.

namespace engine {

/// Makes, and opens, the container's upper directory (and the one that overlay works in).
base::UniqueFd make_upper(Engine& engine, const storage::ContainerDir& container,
                          const storage::ContainerRecord& record);

/// What init shall give to the container's root: the files beside `upper` that are bound into the container, and what
/// is in `upper` before the first start. Last comes the directory itself, so that it tells whether this was done. Empty
/// when it was.
std::vector<base::UniqueFd> entries_for_root(const Engine& engine, const storage::ContainerDir& container,
                                             const base::RootfsMount& rootfs, const rootless::IdMap& map);

/// For maps without the caller: `_inside give-upper`, at once. Not needed for copied trees.
void give_upper_to_root(Engine& engine, const storage::ContainerDir& container, const storage::ContainerRecord& record,
                        const ContainerIds& ids);
/// The child's half of it.
void give_upper_inside(const storage::ContainerDir& container, std::uint32_t uid, std::uint32_t gid);

}  // namespace engine
