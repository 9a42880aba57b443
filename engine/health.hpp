#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "engine/context.hpp"
#include "engine/watch.hpp"

// Health checks: the monitor executes `engine _health ID` whenever one is due. What they found lies in the container's
// folder as `health`.

namespace engine {

/// One check that was made.
struct HealthLogEntry {
  std::string start, end;  ///< RFC 3339.
  int exit_code = 0;
  std::string output;  ///< Its first 500 bytes.
};

struct Health {
  std::string status;  ///< "" (no checks), starting, healthy, unhealthy
  unsigned failing_streak = 0;
  std::vector<HealthLogEntry> log;  ///< The last five.
  bool is_started = false;          ///< The startup check is passed.
  unsigned startup_successes = 0, startup_failures = 0;
};

/// Pure: the file's text, and back. @throws Error corrupt.
std::string render_health(const Health& health);
Health parse_health(std::string_view bytes, const std::string& id);

/// What the file says; nothing checked where there is none.
Health read_health(const storage::ContainerDir& container);

/// Pure: what one more check makes of what is known. `in_start_period`: its failure does not count.
void apply_check(Health& health, const Watch& watch, HealthLogEntry entry, bool in_start_period);
/// Pure: the same for a startup check. True when the container is to be restarted.
bool apply_startup_check(Health& health, const Watch& watch, HealthLogEntry entry);

/// Pure: the words to execute in the container. Empty: none.
std::vector<std::string> check_command(const HealthCheck& check);

/// A container that has checks has just been started: "starting".
void begin_health(const storage::ContainerDir& container, const Watch& watch);

/// `healthcheck run`: makes the check now and records it. The status then. @throws Error invalid_argument, when the
/// container has none; in_use, when it does not run. Source: podman-healthcheck-run(1).
std::string run_health_check(Engine& engine, const std::string& container);

/// `engine _health ID`, for the monitor. Exit code 10: look again after the shorter interval (MONITOR_SOON).
int run_due_check(Engine& engine, const std::string& id);

}  // namespace engine
