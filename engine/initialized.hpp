#pragma once

#include <string>
#include <vector>

#include "base/fd.hpp"
#include "engine/context.hpp"
#include "runtime/container.hpp"
#include "storage/containers.hpp"

namespace engine {

struct InitializeOptions {
  std::vector<std::string> containers;
  bool one_of_all = false;  ///< One turn of --all: what cannot be initialized is passed over.
};

/// Makes the container's process with all that is around it, and does not execute the program: `start` does.
/// What the user named, for each. @throws Error in_use for one that runs, or is initialized. Source: podman-init(1).
std::vector<std::string> initialize(Engine& engine, const InitializeOptions& options);

/// Two FIFOs in the container's folder, between its process, which is made but not executed yet, and a later `start`.
struct StartGate {
  base::UniqueFd start;   ///< One byte lets the process run.
  base::UniqueFd report;  ///< What the last stage says when it cannot be executed.
};
StartGate make_start_gate(const storage::ContainerDir& container);

/// Whether it was made and waits; also when a `start` was killed in the middle.
bool waits_for_start(const storage::ContainerDir& container);

/// Executes the process of an initialized container, once.
/// @throws Error as runtime::wait_for_exec; in_use, when it was started or ended meanwhile.
void let_initialized_run(Engine& engine, const storage::ContainerDir& container);

}  // namespace engine
