#pragma once

#include <string>
#include <vector>

#include "engine/context.hpp"
#include "engine/id_variants.hpp"
#include "storage/containers.hpp"
#include "storage/overlay.hpp"

// A first start with other ids need not wait for layers that belong to them: where fuse-overlayfs is there, a server in
// the caller's default map shows those that are there already, and as every id has the same number in both maps, the
// container sees the right owners. Meanwhile a process of its own makes the layers for the starts that follow.

namespace engine {

/// Whether a container may be made although some of its layers are not there for its ids: it mounts overlay natively, a
/// server can show the others, and they are large enough (engine.conf, userns.wait_below_entries).
bool can_wait(Engine& engine, const LayersForIds& layers);

/// Of a container that is recorded.
LayersForIds recorded_layers(const storage::ContainerRecord& record);

/// What the container's root file system is planned from: its own layers, or those to be served while they are missing.
storage::RootfsRequest rootfs_request(Engine& engine, const storage::ContainerDir& container,
                                      const storage::ContainerRecord& record);

/// For who needs the files themselves: waits until the layers are there for the container's ids, or makes them.
/// @param may_be_served  For who mounts them only. @throws Error as ensure_id_variants.
void complete_layers(Engine& engine, const storage::ContainerRecord& record, bool may_be_served = false);

/// Starts the process that makes them, which outlives this one and says nothing; none, where somebody is at work on
/// them. That it cannot be started is logged only: the next start tries again.
void make_layers_later(Engine& engine, const LayersForIds& layers) noexcept;

/// `engine _late-layers STAGE VARIANT MAP LAYER…`. "begin" leaves "work" behind as an orphan, which nobody waits for:
/// the least niceness, a session of its own, and a staging folder and the layers' locks as long as it works. Killed, it
/// leaves that folder, which is stale then.
int late_layers(Engine& engine, const std::vector<std::string>& words);

}  // namespace engine
