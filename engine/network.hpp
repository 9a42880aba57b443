#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/process.hpp"
#include "engine/container_ids.hpp"
#include "engine/context.hpp"
#include "engine/run_options.hpp"
#include "rootless/network_options.hpp"
#include "runtime/spec.hpp"
#include "storage/containers.hpp"

namespace engine {

/// --network as a new container's record has it: "none", "host", "bridge", "slirp4netns:mtu=1500", "pasta",
/// "container:<full id>", "ns:<absolute path>"; "private" is the helper that there is. The default becomes "none"
/// where nothing can be had and no port is to be published.
/// @throws Error invalid_argument, not_found, unsupported.
std::string choose_network(Engine& engine, const RunOptions& options);
/// One warning, where choose_network gave "none" to a container that asked for more.
void warn_of_missing_network(const Engine& engine, const RunOptions& options, const std::string& network);

/// Whether the container has a network namespace of its own, rather than the host's or another's.
bool owns_network(const std::string& network);

/// The container whose network this one uses (--network container:). @throws Error not_found, when it was removed.
std::optional<storage::ContainerDir> network_peer(Engine& engine, const std::string& network);

/// The ids of the owner of a network namespace at a path: whoever joins it must be in its user namespace, too.
/// Nothing for other networks (containers: engine/joined_namespaces.hpp), and where the owner is the host.
/// @throws Error invalid_argument, when --userns asks for others.
std::optional<ContainerIds> ids_of_network(Engine& engine, const RunOptions& options, const std::string& network);

/// What was recorded of a container's user-mode network.
rootless::NetworkOptions network_options(const Engine& engine, const storage::ContainerRecord& record);

/// A network namespace at a path, and its user namespace unless that is ours.
struct JoinedNetwork {
  base::UniqueFd network, user;
};
/// Nothing, where the network is not "ns:…". @throws Error permission, when the namespace belongs to another user.
std::optional<JoinedNetwork> open_joined_network(Engine& engine, const std::string& network);
/// Has the spec join these; they must stay open until its process is there.
void join_network(runtime::Spec& spec, const JoinedNetwork& joined);

/// The ports of a container are free again when this lock is: its holders are the keeper until it is the monitor, and
/// the network's helper. Nothing, without ports.
/// @throws Error in_use, when the helper of the container's last run does not end.
std::optional<base::FileLock> lock_ports(const storage::ContainerDir& container,
                                         const storage::ContainerRecord& record);
/// After a container's end: waits until its ports can be bound by others, a moment.
void wait_for_ports(const storage::ContainerDir& container, const storage::ContainerRecord& record) noexcept;

/// A process that kills the pasta of a container when that has ended, and then lets go of the lock.
base::Child watch_pasta(pid_t container, int pasta_pidfd, int ports_lock);

/// The verbs of `engine _network`: "watch" (descriptors 3 and 4 are pidfds of a container and its pasta), "hold"
/// (engine/joined_user_namespace.hpp), "datagrams" (engine/host_datagrams.hpp). @return an exit code.
int network_child(const std::vector<std::string>& words);

}  // namespace engine
