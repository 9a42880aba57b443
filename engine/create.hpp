#pragma once

#include <optional>

#include "engine/context.hpp"
#include "engine/run_options.hpp"
#include "runtime/spec.hpp"
#include "storage/containers.hpp"

namespace engine {

/// A container that was recorded but not started.
struct NewContainer {
  storage::ContainerDir dir;
  storage::ContainerRecord record;
  runtime::Spec spec;
  std::optional<base::FileLock> alive;  ///< Held until the container is started, or left for a later `start`.
  bool needs_monitor = false;           ///< Also when this command waits for its end.
};

/// Turns options into a container: image (pulled if need be), mounts, user, command, spec, record.
/// @param for_run  The caller is about to start it: a --rm container is of no use when the caller dies before that.
NewContainer create_container(Engine& engine, const RunOptions& options, bool for_run);

}  // namespace engine
