#include <algorithm>
#include <chrono>
#include <csignal>

#include "base/error.hpp"
#include "base/log.hpp"
#include "engine/events.hpp"
#include "engine/reconcile.hpp"
#include "engine/restart_policy.hpp"
#include "engine/systemd_install.hpp"

namespace engine {
namespace {

using std::chrono::steady_clock;

struct Ending {
  storage::ContainerDir container;
  storage::ContainerRecord record;
  Observed observed;
};

std::vector<Ending> ask_all(Engine& engine) {
  std::vector<Ending> endings;
  for (storage::ContainerDir& container : storage::list_containers(engine.store())) {
    if (!starts_on_boot(container)) continue;
    note_wanted_end(container, until_boot);  // it stays: what its monitor executes at the end may be late to look at it
    wait_until_not_restarting(container);
    storage::ContainerRecord record = record_or_id(container);
    Observed observed = observe(container, engine.host.boot_id);
    if (observed.is_started()) signal_container(observed, record.stop_signal);
    endings.push_back({std::move(container), std::move(record), std::move(observed)});
  }
  return endings;
}

void await(Engine& engine, const Ending& one, steady_clock::time_point asked) {
  if (!one.observed.is_running()) return;
  const auto end = asked + std::chrono::seconds{one.record.stop_timeout_seconds};
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - steady_clock::now());
  if (!wait_for_end(one.observed, std::max(left, std::chrono::milliseconds{0}))) {
    signal_container(one.observed, SIGKILL);
    wait_for_end(one.observed, std::nullopt);
  }
  wait_until_unwatched(one.container);
  note_container_event(engine, one.record, "stop");
}

}  // namespace

int stop_until_boot(Engine& engine) {
  const std::vector<Ending> endings = ask_all(engine);
  const auto asked = steady_clock::now();
  int code = 0;
  for (const Ending& one : endings) {
    try {
      await(engine, one, asked);
    } catch (const base::Error& error) {
      base::log(base::LogLevel::error, "stopping container ", base::quoted(one.record.name), ": ", error.message());
      code = 125;
    }
  }
  return code;
}

}  // namespace engine
