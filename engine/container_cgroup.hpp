#pragma once

#include <memory>

#include "engine/context.hpp"
#include "engine/reconcile.hpp"
#include "runtime/cgroup.hpp"

// A container gets a cgroup of its own only when a command needs one: all of its processes are moved there then. So a
// start costs nothing for what most containers never need, and where none can be had, containers run all the same.
// containers/<id>/cgroup says where it is, until the container is started again or removed.

namespace engine {

/// Nothing: it has none. A damaged file is as good as none.
std::unique_ptr<runtime::Cgroup> find_container_cgroup(const storage::ContainerDir& container);

/// The container's, made and filled when it has none yet.
/// @param resources_json  linux.resources that will be set: a new one gets their controllers.
/// @throws Error unsupported, in one line with the remedy, where this user can have none.
std::unique_ptr<runtime::Cgroup> container_cgroup(Engine& engine, const storage::ContainerDir& container,
                                                  const base::FileLock& container_lock, const Observed& observed,
                                                  const std::string& resources_json = {});

/// Whether all processes stand still.
bool is_paused(const storage::ContainerDir& container);

/// Version 1 delivers a signal to what stands still only when it goes on.
void let_killed_end(const storage::ContainerDir& container, const Observed& observed);

/// Takes away what is left of the cgroup of a container that has ended.
void remove_container_cgroup(const storage::ContainerDir& container) noexcept;

}  // namespace engine
