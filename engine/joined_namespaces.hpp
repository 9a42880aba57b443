#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "engine/container_ids.hpp"
#include "engine/context.hpp"
#include "engine/run_options.hpp"
#include "runtime/spec.hpp"
#include "storage/containers.hpp"

namespace engine {

/// The namespaces of others that a container has.
struct JoinedNamespaces {
  /// "pid" to "/proc/7/ns/pid" (`ns:PATH`), or to what stands for a container (below).
  std::map<std::string, std::string> paths;
  /// The container whose namespaces these are. Each has a user namespace of its own, which is joined, too: only who is
  /// in that has rights over its others.
  std::optional<storage::ContainerRecord> owner;
};

/// `container:NAME` and `ns:PATH` of --pid, --ipc, --uts, --cgroupns and --userns. @throws Error invalid_argument,
/// not_found; unsupported, for the namespaces of two containers. Source: podman-run(1).
/// @param network  As choose_network has it: that of a container is joined, too.
JoinedNamespaces namespaces_to_join(Engine& engine, const RunOptions& options, const std::string& network);

/// The ids of that container.
ContainerIds ids_of_owner(const Engine& engine, const storage::ContainerRecord& owner);

/// What stands in config.json for a namespace of a container, which may run or not: "/container/<id>"; and back.
std::string path_of_container(const std::string& id);
std::optional<std::string> container_of_path(std::string_view path);

/// Starts that container, unless it runs, as podman does. @throws Error.
void start_owner(Engine& engine, const runtime::Spec& spec);

struct HeldNamespaces {
  std::vector<base::UniqueFd> all;
  /// The mount namespace of the container whose ipc namespace it is, for its /dev/shm; empty: it shares none, or the
  /// user wants another.
  base::UniqueFd shm_owner;
};

/// Before a start: opens what these paths stand for. The descriptors are held by the caller as long as `spec` is used.
/// @throws Error in_use, when that container does not run; not_found, when it is gone.
HeldNamespaces open_joined_namespaces(Engine& engine, runtime::Spec& spec);
bool joins_container(const runtime::Spec& spec);

/// Whether all its processes end with the first one.
bool has_own_pid_namespace(const runtime::Spec& spec);

}  // namespace engine
