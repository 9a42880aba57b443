#pragma once

#include "engine/context.hpp"
#include "engine/reconcile.hpp"

namespace engine {

/// Sends the container's stop signal, then SIGKILL after `timeout_seconds`; waits until it ended and was recorded.
void stop_running(const storage::ContainerDir& container, const Observed& observed, int stop_signal,
                  unsigned timeout_seconds);

/// After SIGKILL: waits until its first process ended. @throws Error unsupported, where that never happens: the kernel
/// ends a pid namespace when all its processes were reaped, and one that was put into it (a killed `exec`) has a parent
/// that reaps nobody, such as process 1 of a host that is a container without an init.
void wait_for_killed(const Observed& observed);

}  // namespace engine
