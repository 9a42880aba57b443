#pragma once

#include <optional>
#include <string>

#include "base/channel.hpp"
#include "base/process.hpp"
#include "engine/context.hpp"
#include "engine/socket_activation.hpp"
#include "runtime/container.hpp"
#include "storage/containers.hpp"

namespace engine {

/// The standard streams that the container's process gets when it has no terminal.
struct Stdio {
  int in = 0, out = 1, err = 2;
};

/// A running container whose init is our child.
struct StartedInit {
  runtime::CreatedInit init;
  std::vector<base::Child> helpers;  ///< slirp4netns or pasta; fuse-overlayfs.
  base::UniqueFd oom_count;          ///< Of its cgroup, for the monitor; empty: it has none.
  base::UniqueFd network_exit;       ///< slirp4netns ends when the last copy of this closes.
};

/// One container that shall run.
struct Launch {
  Engine& engine;
  const storage::ContainerDir& container;
  const storage::ContainerRecord& record;
  const runtime::Spec& spec;
  unsigned preserve_fds = 0;
  std::vector<std::string> preserve_fd = {};  ///< As RunOptions has it.
  bool only_initialize = false;               ///< The process waits for a later `start` before it is executed.
  PassedSockets sockets = passed_sockets();   ///< Come before those of preserve_fds.
};

/// Creates and starts init as a child of this process and records the state "running".
/// @param alive   The container's, which the caller holds.
/// @throws Error; no process is left then, and the state says why it did not start.
StartedInit start_init(const Launch& launch, const base::FileLock& alive, const Stdio& stdio, bool die_with_parent);

/// Forks the keeper (ARCHITECTURE.md 8.1): it takes `alive`, starts init, and turns itself into the monitor.
/// @param attach  Whether we stay as the first client; then the result is the attach socket
/// (runtime/stub/monitor_plan.h).
/// @param alive   What the keeper takes over, when we hold it already.
/// @throws Error as start_init; in_use, when the container runs already.
base::Channel launch_with_keeper(const Launch& launch, bool attach, std::optional<base::FileLock> alive = std::nullopt);

/// Connects to the attach socket of a running container. @throws Error in_use, when nobody listens.
base::Channel connect_attach(const storage::Store& store, const std::string& id);

}  // namespace engine
