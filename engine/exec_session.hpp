#pragma once

#include <functional>

#include "engine/context.hpp"
#include "runtime/container.hpp"
#include "storage/containers.hpp"

namespace engine {

/// `exec -d`: has a keeper call `start` and become a monitor of that process, its parent: it reaps it, without which
/// the container's pid namespace would never end (pid_namespaces(7)), keeps its terminal open, and tells its end.
/// @param first  Of a container without a pid namespace of its own: its first process, with which this one ends and
/// what this one leaves behind. -1: any other.
/// @param id  Under which it is noted (engine/exec_ids.hpp).
/// @throws Error, what `start` threw.
void start_session(Engine& engine, const storage::ContainerDir& container, const storage::ContainerRecord& record,
                   const std::string& id, int first, const std::function<runtime::CreatedInit()>& start);

}  // namespace engine
