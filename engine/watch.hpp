#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "storage/containers.hpp"

namespace engine {

/// A command that tells whether a container does what it is there for. Source: docker's image config "Healthcheck".
struct HealthCheck {
  std::vector<std::string> test;  ///< {"CMD", WORD…}, {"CMD-SHELL", LINE} or {"NONE"}; empty: none.
  std::chrono::milliseconds interval{30'000}, timeout{30'000}, start_period{0};
  std::chrono::milliseconds start_interval{0};  ///< Within the start period; 0: as interval.
  unsigned retries = 3;

  bool is_there() const { return !test.empty() && test.front() != "NONE"; }
};

/// What becomes of a container while nobody looks: kept beside its record, as it may be changed.
struct Watch {
  std::string restart_policy;     ///< "", no, on-failure, always, unless-stopped
  unsigned restart_retries = 0;   ///< With on-failure; 0: no limit.
  unsigned timeout_seconds = 0;   ///< It is killed after so long; 0: never.
  std::string sdnotify;           ///< container (also when empty), conmon, healthy, ignore
  std::string log_path, log_tag;  ///< Absolute, or empty: in its folder.
  std::uint64_t log_max_bytes = 16ULL << 20;
  unsigned log_max_files = 2;  ///< The current one counts.
  HealthCheck health, startup;
  unsigned startup_successes = 0;          ///< After which `health` takes over; 0 is 1.
  std::string health_on_failure = "none";  ///< none, kill, restart, stop

  std::string health_log_folder;  ///< Where the last checks are written to, too; empty: nowhere.
  unsigned health_log_count = 5, health_log_bytes = 500;  ///< Of all checks, of one's output; 0: no limit.
  std::string pidfile, monitor_pidfile;                   ///< Absolute; written at each start.
  std::vector<std::string> required;                      ///< Ids of containers that are started before it.

  bool restarts() const { return !restart_policy.empty() && restart_policy != "no"; }
};

/// Defaults, where there is nothing to say.
Watch read_watch(const storage::ContainerDir& container);
/// Writes nothing when all is as by default.
void write_watch(const storage::ContainerDir& container, const Watch& watch);

/// The same over an older one, which goes when all is as by default.
void replace_watch(const storage::ContainerDir& container, const Watch& watch);

/// Pure: the file's text, and back. @throws Error corrupt.
std::string render_watch(const Watch& watch);
Watch parse_watch(std::string_view bytes, const std::string& id);

}  // namespace engine
