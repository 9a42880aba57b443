#pragma once

#include <memory>

#include "engine/context.hpp"
#include "engine/reconcile.hpp"
#include "runtime/cgroup.hpp"

// A container that was started without a cgroup of its own gets one when a command needs it: all of its processes are
// moved there then. So a start costs nothing for what most containers never need, and where none can be had, containers
// run all the same. Those that ask for limits have theirs from the start (engine/start_cgroup.hpp).
// containers/<id>/cgroup says where it is, until the container is started again or removed.

namespace engine {

/// What any cgroup of this container is made with.
runtime::CgroupRequest cgroup_request(const storage::ContainerDir& container, const std::string& resources_json,
                                      runtime::CgroupManager manager);

/// Notes where it is, or will be.
void save_container_cgroup(const storage::ContainerDir& container, const runtime::CgroupRecord& record);

/// Whether it was given one since it was started last.
bool has_cgroup(const storage::ContainerDir& container);

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

/// For whoever meets the container: takes its cgroup away when it has ended and nobody watches or starts it.
void remove_cgroup_if_ended(const storage::ContainerDir& container, const std::string& boot_id) noexcept;

/// Takes away what is left of the cgroup of a container that has ended.
void remove_container_cgroup(const storage::ContainerDir& container) noexcept;

}  // namespace engine
