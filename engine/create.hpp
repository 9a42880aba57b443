#pragma once

#include "engine/context.hpp"
#include "engine/run_options.hpp"
#include "runtime/spec.hpp"
#include "storage/containers.hpp"

namespace engine {

/// A container that was recorded but not started; its lock file `alive` is free.
struct NewContainer {
  storage::ContainerDir dir;
  storage::ContainerRecord record;
  runtime::Spec spec;
};

/// Turns options into a container: image (pulled if need be), mounts, user, command, spec, record.
NewContainer create_container(Engine& engine, const RunOptions& options);

}  // namespace engine
