#include "engine/reconcile.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/process_identity.hpp"
#include "engine/container_cgroup.hpp"
#include "runtime/monitor_plan.hpp"

namespace engine {

namespace {

constexpr std::size_t max_exit_file_bytes = 256;
constexpr int unknown_exit_code = 255;
constexpr std::chrono::milliseconds monitor_patience{10'000};
constexpr std::chrono::seconds untold_patience{1};  // then it is said what is waited for
constexpr std::chrono::milliseconds settle_interval{2};
constexpr std::chrono::milliseconds look_again_interval{100};

void apply_exit_file(storage::ContainerState& state, const std::string& text) {
  const runtime::ExitRecord record = runtime::parse_exit_record(text);
  state.exit_code = record.code;
  state.oom_killed = record.oom_killed;
  const auto since_epoch = std::chrono::seconds{record.seconds} + std::chrono::nanoseconds{record.nanoseconds};
  state.finished = base::format_rfc3339(base::Time{since_epoch});
}

void apply_end(storage::ContainerState& state, const storage::ContainerDir& container) {
  state.status = "exited";
  state.process = {};
  if (const auto text = base::try_read_file(container.dir.get(), "exit", max_exit_file_bytes)) {
    apply_exit_file(state, *text);
    return;
  }
  state.exit_code = unknown_exit_code;
  if (state.finished.empty()) state.finished = state.started;
  state.error = "ended while nobody watched it";
}

}  // namespace

bool may_run(const storage::ContainerState& state) {
  return state.status == "running" || state.status == "stopping" || state.status == "initialized";
}

Observed observe(const storage::ContainerDir& container, const std::string& boot_id) {
  storage::ContainerState state = storage::read_state(container);
  const bool monitored = may_run(state) && storage::is_monitored(container);
  Observed observed = observe_process(container, boot_id, std::move(state));
  observed.monitored = monitored;
  return observed;
}

Observed observe_process(const storage::ContainerDir& container, const std::string& boot_id,
                         storage::ContainerState state) {
  Observed observed{.state = std::move(state)};
  if (!may_run(observed.state)) return observed;
  if (observed.state.boot_id == boot_id) observed.process = base::open_process(observed.state.process);
  if (!observed.process)
    apply_end(observed.state, container);
  else if (observed.state.status == "running" && is_paused(container))
    observed.state.status = "paused";
  return observed;
}

storage::ContainerRecord record_or_id(const storage::ContainerDir& container) {
  try {
    return storage::read_record(container);
  } catch (const base::Error& error) {
    if (error.kind() == base::ErrorKind::not_found) throw;
    base::log(base::LogLevel::warn, error.message());
    storage::ContainerRecord record;
    record.id = record.name = container.id;
    return record;
  }
}

bool signal_container(const Observed& container, int signal) {
  if (!container.is_running()) return false;
  if (::syscall(SYS_pidfd_send_signal, container.process.get(), signal, nullptr, 0) == 0) return true;
  if (errno == ESRCH) return false;
  throw base::os_error("sending signal ", signal, " to process ", container.state.process.pid);
}

bool wait_for_end(const Observed& container, std::optional<std::chrono::milliseconds> limit) {
  if (!container.is_running()) return true;
  const auto deadline = std::chrono::steady_clock::now() + limit.value_or(std::chrono::milliseconds{0});
  while (true) {
    pollfd waiting{container.process.get(), POLLIN, 0};
    int left = -1;
    if (limit) {
      const auto rest =
          std::chrono::duration_cast<std::chrono::milliseconds>(deadline - std::chrono::steady_clock::now());
      left = static_cast<int>(std::max<std::int64_t>(0, rest.count()));
    }
    const int ready = ::poll(&waiting, 1, left);
    if (ready > 0) return true;
    if (ready == 0) return false;
    if (errno != EINTR) throw base::os_error("waiting for process ", container.state.process.pid);
  }
}

void wait_until_unwatched(const storage::ContainerDir& container) {
  if (!base::exists(container.dir.get(), "alive")) return;
  const auto lock =
      base::FileLock::acquire_for(container.dir.get(), "alive", base::FileLock::Mode::shared, monitor_patience);
  if (!lock) base::log(base::LogLevel::warn, "the monitor of container ", container.id.substr(0, 12), " does not end");
}

void wait_until_settled(const storage::Store& store, const storage::ContainerDir& container, bool auto_remove) {
  wait_until_unwatched(container);
  const auto deadline = std::chrono::steady_clock::now() + monitor_patience;
  // The monitor becomes the clean-up, which holds no lock from first to last: its result is what can be seen.
  while (auto_remove && storage::find_container(store, container.id) && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(settle_interval);
}

std::optional<base::FileLock> take_alive(const storage::ContainerDir& container, const std::string& boot_id) {
  if (auto lock = storage::try_lock_alive(container)) return lock;
  if (observe(container, boot_id).is_running()) return std::nullopt;
  // Who holds it may be about to start the container, too.
  const auto begin = std::chrono::steady_clock::now(), deadline = begin + monitor_patience;
  bool is_told = false;
  while (std::chrono::steady_clock::now() < deadline) {
    if (auto lock = storage::try_lock_alive(container, look_again_interval)) return lock;
    if (observe(container, boot_id).is_running()) return std::nullopt;
    if (is_told || std::chrono::steady_clock::now() < begin + untold_patience) continue;
    base::log(base::LogLevel::warn, "waiting for lock \"alive\" of container ", container.id.substr(0, 12));
    is_told = true;
  }
  return std::nullopt;
}

}  // namespace engine
