#pragma once

#include "engine/context.hpp"
#include "storage/containers.hpp"

namespace engine {

/// Whether it is a --rm container that nobody watches and that will never be started. Takes no lock, changes nothing.
bool is_abandoned(const storage::ContainerDir& container, const storage::ContainerRecord& record,
                  const std::string& boot_id);

/// Removes a --rm container that nobody will remove any more: the `run` that made it was killed before it started it,
/// or whoever watched it was killed, and it ended since. True when it is gone; never throws for what is not so.
bool remove_if_abandoned(Engine& engine, const storage::ContainerDir& container);

/// The container that `text` means. One that is abandoned is removed and not found.
std::optional<storage::ContainerDir> find_container(Engine& engine, const std::string& text);

}  // namespace engine
