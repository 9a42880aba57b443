#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "engine/context.hpp"
#include "engine/watch.hpp"
#include "runtime/stub/monitor_plan.h"

// --restart: when a container has ended, its monitor executes `engine _restart ID`, which waits a while and starts it
// again. What it must know lies in the container's folder: `restarts`, how often it was and how long to wait next;
// `stopped`, that somebody wanted its end, and for how long.

namespace engine {

/// How often the policy has started a container again since somebody did, and how long it waits the next time.
struct Restarts {
  unsigned count = 0;
  std::chrono::milliseconds delay{0};
};
Restarts read_restarts(const storage::ContainerDir& container);

/// Pure: whether the policy starts a container again that ended by itself. Source: podman-run(1) --restart.
bool shall_restart(const Watch& watch, int exit_code, unsigned restarts);

/// Pure: 100 ms, twice as long each time up to a minute; from the beginning when it ran for ten seconds. As docker.
std::chrono::milliseconds next_delay(std::chrono::milliseconds last, std::chrono::nanoseconds ran);

/// Pure: "on-failure:3" into `watch`. @throws Error invalid_argument.
void apply_restart_words(Watch& watch, const std::string& words);
/// Whether its policy wants it to run again when the host has booted: always, or unless-stopped and not stopped.
bool starts_on_boot(const storage::ContainerDir& container);

/// Before a container is stopped or killed at the user's will, or for the host's shutdown: no policy starts it again.
constexpr std::string_view until_started, until_boot = MONITOR_UNTIL_BOOT;
void note_wanted_end(const storage::ContainerDir& container, std::string_view how_long = until_started);
bool is_end_wanted(const storage::ContainerDir& container);
/// After note_wanted_end: when this returns, it has not been started again, or runs and can be stopped.
void wait_until_not_restarting(const storage::ContainerDir& container);
/// The user starts it: whatever was counted before is over.
void forget_restarts(const storage::ContainerDir& container);
/// Whether it has ended and is about to be started again.
bool is_restarting(const storage::ContainerDir& container);

/// `engine _restart ID`: what the monitor executes at the end. Does nothing when nothing is to be done.
int restart_ended(Engine& engine, const std::string& id);

}  // namespace engine
