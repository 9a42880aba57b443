#pragma once

#include <memory>
#include <string>

#include "base/fd.hpp"
#include "engine/context.hpp"
#include "engine/run_options.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/spec.hpp"
#include "storage/containers.hpp"

// The cgroup that a container is started in. Only one that asks for something gets it (a limit, --cgroup-parent,
// --cgroups split): making one costs a call of systemd or a dozen folders, and most containers never need it. The
// others get theirs when a command needs one (engine/container_cgroup.hpp).

namespace engine {

/// What `--cgroup-manager` or containers.conf say, else systemd where one serves us, else folders.
runtime::CgroupManager choose_cgroup_manager(const Config& config);
/// "systemd", "cgroupfs".
std::string name_of_cgroup_manager(const Config& config);

/// linux.resources of a new container: what the user asked for, and what containers.conf says of all; empty: nothing.
/// @throws Error invalid_argument for a value that is none; unsupported for rules that only root can have kept.
std::string resources_of_new(const Config& config, const RunOptions& options);

/// How cgroups are used for it, as the record has it: "" is podman's "enabled". @throws Error invalid_argument.
std::string cgroups_mode_of_new(const Config& config, const RunOptions& options);

/// @throws Error invalid_argument for a parent that the manager does not take. Source: podman-run(1) --cgroup-parent.
void check_cgroup_parent(const Config& config, const std::string& parent);

/// Makes it, and notes it in the container's folder. nullptr: nothing asks for one, or there can be none, which is one
/// warning with the remedy.
/// @throws Error for values that are wrong anywhere.
std::unique_ptr<runtime::Cgroup> start_cgroup(Engine& engine, const storage::ContainerDir& container,
                                              const storage::ContainerRecord& record, const runtime::Spec& spec);

/// Notes where it is, now that the container's process is in it.
/// @return  Where the kernel counts the processes that it kills for want of memory; empty: nowhere.
base::UniqueFd note_started_cgroup(const storage::ContainerDir& container, const runtime::Cgroup& cgroup);

/// For inspect: the container's cgroup, from the root of its hierarchy on; empty: it has none of its own.
std::string cgroup_path_of(const storage::ContainerDir& container);

}  // namespace engine
