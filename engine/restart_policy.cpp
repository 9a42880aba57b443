#include "engine/restart_policy.hpp"

#include <algorithm>
#include <csignal>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "engine/after_end.hpp"
#include "engine/container_cgroup.hpp"
#include "engine/events.hpp"
#include "engine/joined_namespaces.hpp"
#include "engine/launch.hpp"
#include "engine/reconcile.hpp"
#include "engine/requirements.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;
using std::chrono::milliseconds;

namespace {

constexpr const char* restarts_name = "restarts";
constexpr const char* stopped_name = MONITOR_STOPPED_FILE;
constexpr const char* restarting_lock = "restarting";
constexpr std::size_t max_restarts_bytes = 64;
constexpr milliseconds first_delay{100}, longest_delay{60'000}, long_life{10'000}, predecessors_patience{10'000};

void write_restarts(const storage::ContainerDir& container, const Restarts& restarts) {
  base::write_file_atomically(container.dir.get(), restarts_name,
                              base::concat(restarts.count, ' ', restarts.delay.count()), base::Durability::volatile_);
}

/// One container between its end and its next start.
class Comeback {
 public:
  Comeback(Engine& engine, const storage::ContainerDir& container)
      : engine_(engine), container_(container), changes_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
    if (!changes_) throw base::os_error("watching the container's folder");
    const std::string path = base::concat("/proc/self/fd/", container.dir.get());
    constexpr unsigned what = IN_CREATE | IN_MOVED_TO | IN_DELETE | IN_MOVE_SELF | IN_DELETE_SELF;
    if (::inotify_add_watch(changes_.get(), path.c_str(), what) < 0)
      throw base::os_error("watching the container's folder");
    end_ = observe(container_, engine_.host.boot_id).state.finished;
  }

  /// Nobody has stopped, started or removed it.
  bool is_wanted() const {
    if (is_end_wanted(container_) || !base::exists(container_.dir.get(), "record")) return false;
    const Observed observed = observe(container_, engine_.host.boot_id);
    return !observed.is_running() && observed.state.status == "exited" && observed.state.finished == end_;
  }

  /// False as soon as it is not wanted any more.
  bool wait(milliseconds delay) const {
    const auto deadline = std::chrono::steady_clock::now() + delay;
    while (is_wanted()) {
      const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now()).count();
      if (left <= 0) return true;
      pollfd waiting{changes_.get(), POLLIN, 0};
      if (::poll(&waiting, 1, static_cast<int>(left)) < 0 && errno != EINTR)
        throw base::os_error("waiting to restart the container");
      char drained[4096];
      while (::read(changes_.get(), drained, sizeof drained) > 0) continue;
    }
    return false;
  }

 private:
  Engine& engine_;
  const storage::ContainerDir& container_;
  base::UniqueFd changes_;
  std::string end_;  ///< When it ended.
};

std::chrono::nanoseconds life_of(const storage::ContainerState& state) {
  const auto started = base::parse_rfc3339(state.started), finished = base::parse_rfc3339(state.finished);
  return started && finished ? *finished - *started : std::chrono::nanoseconds{0};
}

/// Nobody reads what we print: the reason is where `inspect` shows it.
void note_failure(const Engine& engine, const storage::ContainerDir& container, const std::string& message) {
  const base::FileLock lock = storage::lock_container(container);
  const Observed observed = observe(container, engine.host.boot_id);
  if (observed.is_running()) return;
  storage::ContainerState state = observed.state;
  state.error = base::concat("not restarted: ", message);
  storage::write_state(container, lock, state);
}

void start_again(Engine& engine, const storage::ContainerDir& container, const storage::ContainerRecord& record) {
  const std::string json = storage::read_config_json(container, runtime::max_spec_bytes);
  const runtime::Spec spec =
      runtime::parse_spec(json, base::concat("config.json of container ", container.id.substr(0, 12)));
  start_owner(engine, spec);
  start_required(engine, read_watch(container));
  launch_with_keeper({engine, container, record, spec}, false);
  note_container_event(engine, record, "restart");
  // Somebody may have stopped it while it was not running any more and not yet again.
  if (is_end_wanted(container)) signal_container(observe(container, engine.host.boot_id), SIGKILL);
}

}  // namespace

Restarts read_restarts(const storage::ContainerDir& container) {
  const auto text = base::try_read_file(container.dir.get(), restarts_name, max_restarts_bytes);
  const auto words = text ? base::split_once(*text, ' ') : std::nullopt;
  if (!words) return {};
  const auto count = base::parse_unsigned(words->first), delay = base::parse_unsigned(words->second);
  if (!count || !delay) return {};
  return {static_cast<unsigned>(*count), std::min(milliseconds{static_cast<std::int64_t>(*delay)}, longest_delay)};
}

bool shall_restart(const Watch& watch, int exit_code, unsigned restarts) {
  if (!watch.restarts()) return false;
  if (watch.restart_policy != "on-failure") return true;
  return exit_code != 0 && (watch.restart_retries == 0 || restarts < watch.restart_retries);
}

milliseconds next_delay(milliseconds last, std::chrono::nanoseconds ran) {
  if (ran >= long_life || last <= milliseconds{0}) return first_delay;
  return std::min(last * 2, longest_delay);
}

void apply_restart_words(Watch& watch, const std::string& words) {
  const auto pair = base::split_once(words, ':');
  const std::string policy{pair ? pair->first : std::string_view{words}};
  bool is_known = policy.empty() && !pair;
  for (const char* known : {"no", "on-failure", "always", "unless-stopped"}) is_known = is_known || policy == known;
  if (!is_known)
    throw make_error(ErrorKind::invalid_argument, "--restart ", quoted(words), " is not a restart policy")
        .with_hint("no, on-failure[:RETRIES], always, unless-stopped");
  const auto retries = pair ? base::parse_unsigned(pair->second) : std::nullopt;
  if (pair && policy != "on-failure")
    throw make_error(ErrorKind::invalid_argument, "--restart ", quoted(words),
                     ": only on-failure has a number of retries");
  if (pair && (!retries || *retries > 1'000'000'000))
    throw make_error(ErrorKind::invalid_argument, "--restart ", quoted(words), ": ", quoted(pair->second),
                     " is not a number of retries");
  watch.restart_policy = policy;
  watch.restart_retries = static_cast<unsigned>(retries.value_or(0));
}

bool starts_on_boot(const storage::ContainerDir& container) {
  const std::string policy = read_watch(container).restart_policy;
  if (policy != "unless-stopped") return policy == "always";
  return base::try_read_file(container.dir.get(), stopped_name, until_boot.size()).value_or(std::string{until_boot}) ==
         until_boot;
}

void note_wanted_end(const storage::ContainerDir& container, std::string_view how_long) {
  if (read_watch(container).restarts())
    base::write_file_atomically(container.dir.get(), stopped_name, how_long, base::Durability::volatile_);
}

bool is_end_wanted(const storage::ContainerDir& container) {
  return base::exists(container.dir.get(), stopped_name);
}

void wait_until_not_restarting(const storage::ContainerDir& container) {
  if (!is_restarting(container)) return;
  static_cast<void>(base::FileLock::acquire_for(container.dir.get(), restarting_lock, base::FileLock::Mode::shared,
                                                predecessors_patience));
}

void forget_restarts(const storage::ContainerDir& container) {
  base::unlink_file(container.dir.get(), stopped_name);
  base::unlink_file(container.dir.get(), restarts_name);
}

bool is_restarting(const storage::ContainerDir& container) {
  return base::FileLock::is_held(container.dir.get(), restarting_lock);
}

int restart_ended(Engine& engine, const std::string& id) {
  const auto container = storage::open_container(engine.store(), id);
  if (!container) return 0;
  const storage::ContainerRecord record = storage::read_record(*container);
  finish_ended(engine, *container);
  remove_cgroup_if_ended(*container, engine.host.boot_id);
  const Comeback comeback{engine, *container};
  const storage::ContainerState ended = observe(*container, engine.host.boot_id).state;
  Restarts restarts = read_restarts(*container);
  if (is_end_wanted(*container) || !shall_restart(read_watch(*container), ended.exit_code, restarts.count)) return 0;
  // Another one may be about to notice that its container was started by somebody else.
  auto lock = base::FileLock::acquire_for(container->dir.get(), restarting_lock, base::FileLock::Mode::exclusive,
                                          predecessors_patience);
  if (!lock) return 0;
  restarts.delay = next_delay(restarts.delay, life_of(ended));
  if (!comeback.wait(restarts.delay)) return 0;
  restarts.count++;
  write_restarts(*container, restarts);
  // The lock is let go of when it runs, by the execve of its monitor, too: who stops it now waits for that.
  try {
    start_again(engine, *container, record);
  } catch (const base::Error& error) {
    if (error.kind() == ErrorKind::in_use || error.kind() == ErrorKind::not_found) return 0;  // somebody was faster
    note_failure(engine, *container, error.message());
    return 125;
  }
  return 0;
}

}  // namespace engine
