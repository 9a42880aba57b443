#pragma once

#include "engine/context.hpp"
#include "storage/containers.hpp"

namespace engine {

/// Removes a container that is not running, with its anonymous volumes when asked.
/// @throws Error in_use, when a keeper or monitor holds it.
void remove_stopped(Engine& engine, const storage::ContainerDir& container, const storage::ContainerRecord& record,
                    bool with_anonymous_volumes);

/// Removes the volumes that were made for this container alone; what fails is logged.
void remove_anonymous_volumes(Engine& engine, const storage::ContainerRecord& record) noexcept;

/// For the end of `run --rm`: as above, with anonymous volumes; what fails is logged, never thrown.
void discard_container(Engine& engine, const storage::ContainerDir& container,
                       const storage::ContainerRecord& record) noexcept;

}  // namespace engine
