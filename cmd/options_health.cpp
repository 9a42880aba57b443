#include "cmd/limit_words.hpp"
#include "cmd/options_run.hpp"

// How a container is watched while it runs, and what is done when it ends: restarts, health checks, time limit.

namespace cmd {
namespace {

std::string_view check_restart(std::string_view value) {
  const std::string_view policy = value.substr(0, value.find(':'));
  for (const std::string_view known : {"", "no", "on-failure", "always", "unless-stopped"})
    if (policy == known) return {};
  return "is not a restart policy";
}

std::string_view check_log_destination(std::string_view value) {
  return value == "local" || value.starts_with('/') ? "" : "is neither local nor an absolute path";
}

void declare_health_log_options(OptionTable& table, engine::HealthWords& health) {
  table
      .text("health-log-destination", 0, "DIRECTORY", health.log_destination,
            "Where a file with the last checks is written, too; local: only what inspect shows")
      .checked_by(check_log_destination, "local, or a directory of this host")
      .defaults_to("local");
  table.number("health-max-log-count", 0, "COUNT", &health.max_log_count, "How many checks are remembered; 0: no limit")
      .defaults_to("5");
  table
      .number("health-max-log-size", 0, "CHARACTERS", &health.max_log_size,
              "How much of a check's output is remembered; 0: no limit")
      .defaults_to("500");
}

void declare_startup_options(OptionTable& table, engine::HealthWords& health) {
  table.text("health-startup-cmd", 0, "COMMAND", health.startup_command,
             "Command that is checked first, until it succeeds: the container is starting that long");
  table.text("health-startup-interval", 0, "DURATION", health.startup_interval, "Time between startup checks")
      .defaults_to("30s");
  table
      .number("health-startup-retries", 0, "COUNT", &health.startup_retries,
              "Failures in a row after which the container is restarted; 0: never")
      .defaults_to("0");
  table
      .number("health-startup-success", 0, "COUNT", &health.startup_success,
              "Successes in a row after which the ordinary check takes over")
      .defaults_to("1");
  table.text("health-startup-timeout", 0, "DURATION", health.startup_timeout, "Longest time of one startup check")
      .defaults_to("30s");
}

}  // namespace

void declare_health_options(OptionTable& table, engine::RunOptions& options) {
  table
      .text("restart", 0, "POLICY", options.restart,
            "Start it again when it ends: no, on-failure[:RETRIES], always, unless-stopped")
      .checked_by(check_restart, "no, on-failure[:RETRIES], always or unless-stopped")
      .defaults_to("no");
  table.number("timeout", 0, "SECONDS", &options.timeout, "Kill the container after it has run so long; 0: never")
      .defaults_to("0");
  declare_health_words(table, options.health);
}

void declare_health_words(OptionTable& table, engine::HealthWords& health) {
  table.text("health-cmd", 0, "COMMAND", health.command,
             "Command in the container that tells by its exit code whether it is healthy; none: no check");
  table.text("health-interval", 0, "DURATION", health.interval, "Time between checks; disable: only by hand")
      .defaults_to("30s");
  table
      .number("health-retries", 0, "COUNT", &health.retries, "Failures in a row after which the container is unhealthy")
      .defaults_to("3");
  table
      .text("health-start-period", 0, "DURATION", health.start_period, "How long after the start failures do not count")
      .defaults_to("0s");
  table.text("health-start-interval", 0, "DURATION", health.start_interval, "Time between checks in the start period");
  table.text("health-timeout", 0, "DURATION", health.timeout, "Longest time of one check").defaults_to("30s");
  table
      .text("health-on-failure", 0, "ACTION", health.on_failure,
            "What is done when it becomes unhealthy: none, kill, restart, stop")
      .choices("none|kill|restart|stop")
      .defaults_to("none");
  table.flag("no-healthcheck", 0, health.none, "Make no health checks, whatever the image says");
  declare_health_log_options(table, health);
  declare_startup_options(table, health);
}

}  // namespace cmd
