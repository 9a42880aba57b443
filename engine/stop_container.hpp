#pragma once

#include "engine/context.hpp"
#include "engine/reconcile.hpp"

namespace engine {

/// Sends the container's stop signal, then SIGKILL after `timeout_seconds`; waits until it ended and was recorded.
void stop_running(const storage::ContainerDir& container, const Observed& observed, int stop_signal,
                  unsigned timeout_seconds);

}  // namespace engine
