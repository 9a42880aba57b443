#pragma once

#include "engine/context.hpp"
#include "storage/containers.hpp"

namespace engine {

/// Whether it is a container that was never finished, or a --rm container that nobody watches and that will never be
/// started. Takes no lock, changes nothing.
bool is_abandoned(const storage::ContainerDir& container, const storage::ContainerRecord& record,
                  const std::string& boot_id);

/// Removes what nobody will use or remove any more: a container whose maker was killed before it was whole; a --rm
/// container, when the `run` that made it was killed before it started it, or whoever watched it, and it ended since.
/// True when it is gone; never throws for what is not so.
bool remove_if_abandoned(Engine& engine, const storage::ContainerDir& container);

/// The container that `text` means. One that is abandoned is removed and not found.
std::optional<storage::ContainerDir> find_container(Engine& engine, const std::string& text);

}  // namespace engine
