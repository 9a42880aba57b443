#include "engine/health.hpp"

#include <csignal>
#include <fcntl.h>
#include <numeric>
#include <poll.h>
#include <sys/wait.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "base/json_writer.hpp"
#include "base/log.hpp"
#include "base/process.hpp"
#include "engine/events.hpp"
#include "engine/external_runtime_words.hpp"
#include "engine/notify.hpp"
#include "engine/reconcile.hpp"
#include "engine/restart.hpp"
#include "engine/selection.hpp"
#include "engine/verbs.hpp"
#include "runtime/stub/monitor_plan.h"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;
using std::chrono::milliseconds;

namespace {

constexpr milliseconds reaping_patience{1000};

constexpr const char* health_name = "health";
constexpr std::size_t max_health_bytes = 256 * 1024;
constexpr std::size_t max_output_bytes = 16 * 1024, max_log_bytes = 128 * 1024;  // where nobody sets a limit
constexpr int timed_out_code = -1;

void write_health(const storage::ContainerDir& container, const Health& health) {
  base::write_file_atomically(container.dir.get(), health_name, render_health(health), base::Durability::volatile_);
}

/// --health-log-destination. A folder that is not there any more is no reason to leave the container unchecked.
void write_health_log(const storage::ContainerDir& container, const Watch& watch, const Health& health) {
  if (watch.health_log_folder.empty()) return;
  try {
    const base::UniqueFd folder = base::open_directory(AT_FDCWD, watch.health_log_folder);
    base::write_file_atomically(folder.get(), base::concat(container.id, "-healthcheck.log"), render_health(health),
                                base::Durability::volatile_);
  } catch (const base::Error& error) {
    base::log(base::LogLevel::warn, "the log of health checks: ", error.message());
  }
}

std::size_t bytes_of(const std::vector<HealthLogEntry>& log) {
  return std::accumulate(log.begin(), log.end(), std::size_t{0},
                         [](std::size_t sum, const HealthLogEntry& entry) { return sum + entry.output.size(); });
}

void add_entry(Health& health, const Watch& watch, HealthLogEntry entry) {
  health.log.push_back(std::move(entry));
  const std::size_t most = watch.health_log_count;
  while (health.log.size() > 1 && ((most > 0 && health.log.size() > most) || bytes_of(health.log) > max_log_bytes))
    health.log.erase(health.log.begin());
}

/// The command in the container is an orphan once its `exec` was killed, and dies with it. Where process 1 reaps
/// nobody, the container could not end as long as that is not reaped.
void reap_orphans() {
  const auto deadline = std::chrono::steady_clock::now() + reaping_patience;
  while (std::chrono::steady_clock::now() < deadline) {
    const pid_t pid = ::waitpid(-1, nullptr, WNOHANG);
    if (pid < 0 && errno != EINTR) return;
    if (pid == 0) ::poll(nullptr, 0, 1);
  }
}

/// By our own `exec` in a process of its own, whose end takes the command with it.
HealthLogEntry make_check(const Engine& engine, const std::string& id, const HealthCheck& check,
                          std::size_t most_bytes) {
  if (most_bytes == 0 || most_bytes > max_output_bytes) most_bytes = max_output_bytes;
  base::Command command;
  command.path = own_program("engine");
  command.argv = {"engine"};
  for (std::string& word : same_settings_options(engine)) command.argv.push_back(std::move(word));
  command.argv.insert(command.argv.end(), {"exec", id});
  for (std::string& word : check_command(check)) command.argv.push_back(std::move(word));
  command.null_stdin = true;
  command.new_session = true;
  command.die_with_parent = true;
  HealthLogEntry entry;
  entry.start = base::format_rfc3339(base::now());
  const auto began = std::chrono::steady_clock::now();
  become_subreaper();
  const base::Output output = base::run_and_capture(command, check.timeout, most_bytes);
  entry.exit_code = output.status.code;
  entry.output = base::sanitize_utf8((output.out + output.err).substr(0, most_bytes));
  if (std::chrono::steady_clock::now() - began >= check.timeout) {
    reap_orphans();
    entry.exit_code = timed_out_code;
    entry.output += base::concat("the command took longer than ", check.timeout.count(), " ms");
  }
  entry.end = base::format_rfc3339(base::now());
  return entry;
}

bool is_in_start_period(const Watch& watch, const storage::ContainerState& state) {
  const auto started = base::parse_rfc3339(state.started);
  return started && base::now() - *started < watch.health.start_period;
}

void note_health_event(const Engine& engine, const storage::ContainerRecord& record, const std::string& status) {
  Event event{.type = "container", .status = "health_status", .id = record.id, .name = record.name};
  event.image = record.rootfs.empty() ? record.image_name : record.rootfs;
  event.attributes = record.labels;
  event.health_status = status;
  note_event(engine, std::move(event));
}

/// What --health-on-failure says. To restart a container here ends its monitor, not this process.
void act_on_failure(Engine& engine, const storage::ContainerDir& container, const std::string& action) {
  if (action == "kill") signal_container(observe(container, engine.host.boot_id), SIGKILL);
  if (action == "stop") stop(engine, {.containers = {container.id}, .ignore = true});
  if (action == "restart") restart(engine, {.containers = {container.id}, .only_running = true});
}

struct Checked {
  Health health;
  std::string action;  ///< What has to be done about it; empty: nothing.
};

/// The check is made without a lock; what it says is recorded under the container's.
Checked check_now(Engine& engine, const storage::ContainerDir& container, const Watch& watch) {
  const Observed observed = observe(container, engine.host.boot_id);
  const bool is_startup = watch.startup.is_there() && !read_health(container).is_started;
  HealthLogEntry entry =
      make_check(engine, container.id, is_startup ? watch.startup : watch.health, watch.health_log_bytes);
  const base::FileLock lock = storage::lock_container(container);
  if (!observe(container, engine.host.boot_id).is_started()) return {read_health(container), ""};  // it has ended
  Checked checked{read_health(container), ""};
  if (is_startup) {
    if (apply_startup_check(checked.health, watch, std::move(entry))) checked.action = "restart";
  } else {
    apply_check(checked.health, watch, std::move(entry), is_in_start_period(watch, observed.state));
    if (checked.health.status == "unhealthy") checked.action = watch.health_on_failure;
  }
  write_health(container, checked.health);
  write_health_log(container, watch, checked.health);
  return checked;
}

Checked check_and_act(Engine& engine, const storage::ContainerDir& container, const Watch& watch) {
  const std::string before = read_health(container).status;
  Checked checked = check_now(engine, container, watch);
  note_health_event(engine, storage::read_record(container), checked.health.status);
  if (watch.sdnotify == "healthy" && checked.health.status == "healthy" && before != "healthy")
    notify_and_wait("READY=1");  // this process ends at once
  act_on_failure(engine, container, checked.action);
  return checked;
}

}  // namespace

std::string render_health(const Health& health) {
  base::JsonWriter json;
  json.begin_object().member("Status", health.status).member("FailingStreak", health.failing_streak);
  json.key("Log").begin_array();
  for (const HealthLogEntry& entry : health.log) {
    json.begin_object().member("Start", entry.start).member("End", entry.end);
    json.member("ExitCode", entry.exit_code).member("Output", entry.output).end_object();
  }
  json.end_array();
  json.member("Started", health.is_started).member("StartupSuccesses", health.startup_successes);
  json.member("StartupFailures", health.startup_failures).end_object();
  return json.take();
}

Health parse_health(std::string_view bytes, const std::string& id) {
  const base::JsonAt json = base::JsonAt::parse(bytes, base::concat("health of container ", id.substr(0, 12)));
  Health health;
  health.status = json.at("Status").string();
  health.failing_streak = static_cast<unsigned>(json.unsigned_or("FailingStreak", 0));
  for (const base::JsonAt& entry : json.at("Log").array())
    health.log.push_back({entry.at("Start").string(), entry.at("End").string(),
                          static_cast<int>(entry.at("ExitCode").integer()), entry.at("Output").string()});
  health.is_started = json.boolean_or("Started", false);
  health.startup_successes = static_cast<unsigned>(json.unsigned_or("StartupSuccesses", 0));
  health.startup_failures = static_cast<unsigned>(json.unsigned_or("StartupFailures", 0));
  return health;
}

Health read_health(const storage::ContainerDir& container) {
  const auto text = base::try_read_file(container.dir.get(), health_name, max_health_bytes);
  return text ? parse_health(*text, container.id) : Health{};
}

void apply_check(Health& health, const Watch& watch, HealthLogEntry entry, bool in_start_period) {
  if (entry.exit_code == 0) {
    health.status = "healthy";
    health.failing_streak = 0;
  } else if (!in_start_period && ++health.failing_streak >= watch.health.retries) {
    health.status = "unhealthy";
  }
  add_entry(health, watch, std::move(entry));
}

bool apply_startup_check(Health& health, const Watch& watch, HealthLogEntry entry) {
  const bool succeeded = entry.exit_code == 0;
  add_entry(health, watch, std::move(entry));
  if (succeeded) {
    health.startup_failures = 0;
    health.is_started = ++health.startup_successes >= std::max(watch.startup_successes, 1U);
    return false;
  }
  health.startup_successes = 0;
  return ++health.startup_failures >= watch.startup.retries && watch.startup.retries > 0;
}

std::vector<std::string> check_command(const HealthCheck& check) {
  if (!check.is_there()) return {};
  std::vector<std::string> words{check.test.begin() + 1, check.test.end()};
  if (check.test.front() != "CMD-SHELL") return words;
  return {"/bin/sh", "-c", base::join(words, " ")};
}

void begin_health(const storage::ContainerDir& container, const Watch& watch) {
  if (!watch.health.is_there()) return;
  Health health;
  health.status = "starting";
  write_health(container, health);
}

std::string run_health_check(Engine& engine, const std::string& name) {
  const storage::ContainerDir container = require_container(engine, name);
  const Watch watch = read_watch(container);
  if (!watch.health.is_there())
    throw make_error(ErrorKind::invalid_argument, "container ", quoted(name), " has no defined healthcheck")
        .with_hint("engine run --health-cmd COMMAND …");
  const Observed observed = observe(container, engine.host.boot_id);
  if (!observed.is_started() || observed.is_paused())
    throw make_error(ErrorKind::in_use, "container ", quoted(name), " is not running (it is ", observed.state.status,
                     ")");
  const Checked checked = check_and_act(engine, container, watch);
  if (checked.health.log.empty() || checked.health.log.back().exit_code == 0) return checked.health.status;
  return checked.health.status == "starting" ? "starting" : "unhealthy";
}

int run_due_check(Engine& engine, const std::string& id) {
  const auto container = storage::open_container(engine.store(), id);
  if (!container) return 0;
  const Watch watch = read_watch(*container);
  const Observed observed = observe(*container, engine.host.boot_id);
  const bool may_check = watch.health.is_there() && observed.is_started() && !observed.is_paused();
  if (!may_check) return MONITOR_SOON;
  const Health health = check_and_act(engine, *container, watch).health;
  const bool is_starting = health.status == "starting" && is_in_start_period(watch, observed.state);
  return (watch.startup.is_there() && !health.is_started) || is_starting ? MONITOR_SOON : 0;
}

}  // namespace engine
