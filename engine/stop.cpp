#include <csignal>
#include <fcntl.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/signals.hpp"
#include "engine/abandoned.hpp"
#include "engine/after_end.hpp"
#include "engine/container_cgroup.hpp"
#include "engine/container_processes.hpp"
#include "engine/events.hpp"
#include "engine/network.hpp"
#include "engine/restart_policy.hpp"
#include "engine/selection.hpp"
#include "engine/stop_container.hpp"
#include "engine/verbs.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr std::chrono::milliseconds killed_patience{10'000};
constexpr std::size_t max_proc_bytes = 64 * 1024;

/// A dead process of some pid namespace below ours that neither its parent nor that namespace's first process reaps.
std::optional<ProcessFacts> find_unreaped(pid_t first) {
  for (const std::string& name : base::list_directory(AT_FDCWD, "/proc")) {
    if (!base::parse_unsigned(name)) continue;
    try {
      const auto stat = base::try_read_file(AT_FDCWD, base::concat("/proc/", name, "/stat"), max_proc_bytes);
      if (!stat || stat->find(") Z ") == std::string::npos) continue;
      const auto status = base::try_read_file(AT_FDCWD, base::concat("/proc/", name, "/status"), max_proc_bytes);
      auto facts = status ? parse_process_facts(*stat, *status) : std::nullopt;
      if (facts && facts->pid != facts->host_pid && facts->host_pid != first && facts->host_parent != first)
        return facts;
    } catch (const base::Error&) {  // gone meanwhile, or not ours to look at
    }
  }
  return std::nullopt;
}

std::string name_of_process(pid_t pid) {
  const auto name = base::try_read_file(AT_FDCWD, base::concat("/proc/", pid, "/comm"), max_proc_bytes);
  return base::concat(pid, " (", name ? base::trim(*name) : "?", ")");
}

}  // namespace

void wait_for_killed(const Observed& observed) {
  while (!wait_for_end(observed, killed_patience)) {
    const auto left = find_unreaped(observed.state.process.pid);
    if (!left) continue;
    throw make_error(ErrorKind::unsupported, "the container was killed, but the kernel does not end it: its process ",
                     left->host_pid, " (", left->name, ") is dead, and its parent, process ",
                     name_of_process(left->host_parent), ", does not reap it")
        .with_hint(
            "give the host a process 1 that reaps (docker run --init); kill -9 of \"engine exec\" leaves such a "
            "process");
  }
}

void stop_running(const storage::ContainerDir& container, const Observed& observed, int stop_signal,
                  unsigned timeout_seconds) {
  const storage::ContainerRecord record = record_or_id(container);  // with --rm it is gone afterwards
  if (!observed.is_started()) timeout_seconds = 0;  // no program is there yet that could handle a signal
  const std::chrono::seconds patience{timeout_seconds};
  note_wanted_end(container);
  const bool asked = timeout_seconds > 0 && signal_container(observed, stop_signal);
  if (!asked || !wait_for_end(observed, patience)) {
    if (asked)
      base::log(base::LogLevel::warn, "container ", container.id.substr(0, 12), " did not end within ", timeout_seconds,
                " seconds of ", base::signal_name(stop_signal), ": killing it");
    signal_container(observed, SIGKILL);
    wait_for_killed(observed);
  }
  wait_until_unwatched(container);
  wait_for_ports(container, record);
}

namespace {

/// After the end: whoever watches a --rm container removes it; where nobody did, that is up to us.
void settle(Engine& engine, const storage::ContainerDir& container, const Observed& before, bool auto_remove) {
  if (before.monitored)
    wait_until_settled(engine.store(), container, auto_remove);
  else
    remove_if_abandoned(engine, container);
  if (!auto_remove) finish_ended(engine, container);
}

/// Whether who sends it wants the container to end: then no policy starts it again.
bool ends_container(int signal, const storage::ContainerRecord& record) {
  return signal == SIGKILL || signal == SIGTERM || signal == SIGINT || signal == SIGQUIT ||
         signal == record.stop_signal;
}

}  // namespace

std::vector<std::string> stop(Engine& engine, const StopOptions& options) {
  std::vector<std::string> stopped;
  for (const Selected& one : select_containers(engine, options.containers, options.ignore || options.one_of_all)) {
    const Observed observed = observe(one.container, engine.host.boot_id);
    if (observed.is_paused())
      throw make_error(ErrorKind::in_use, "container ", quoted(one.typed), " is paused, and cannot be stopped")
          .with_hint(base::concat("engine unpause ", one.typed, "   or   engine kill ", one.typed));
    if (observed.is_running()) {
      const storage::ContainerRecord record = record_or_id(one.container);
      stop_running(one.container, observed, record.stop_signal,
                   options.timeout_seconds.value_or(record.stop_timeout_seconds));
      note_container_event(engine, record, "stop");
      settle(engine, one.container, observed, record.auto_remove);
    } else if (options.one_of_all && !is_restarting(one.container)) {
      continue;
    } else {
      note_wanted_end(one.container);
      wait_until_not_restarting(one.container);
      const Observed again = observe(one.container, engine.host.boot_id);
      if (again.is_running()) stop_running(one.container, again, SIGKILL, 0);
    }
    stopped.push_back(one.typed);
  }
  return stopped;
}

std::vector<std::string> kill(Engine& engine, const KillOptions& options) {
  const auto signal = base::parse_signal(options.signal);
  if (!signal) throw make_error(ErrorKind::invalid_argument, "unknown signal ", quoted(options.signal));
  std::vector<std::string> killed;
  for (const Selected& one : select_containers(engine, options.containers, options.one_of_all)) {
    const Observed observed = observe(one.container, engine.host.boot_id);
    if (!observed.is_started()) {
      if (options.one_of_all) continue;
      throw make_error(ErrorKind::in_use, "container ", quoted(one.typed), " is not running (it is ",
                       observed.state.status, ")");
    }
    const storage::ContainerRecord record = record_or_id(one.container);
    const bool auto_remove = record.auto_remove;
    if (ends_container(*signal, record)) note_wanted_end(one.container);
    signal_container(observed, *signal);
    note_container_event(engine, record, "kill");
    if (*signal == SIGKILL) {
      let_killed_end(one.container, observed);
      wait_for_killed(observed);
      settle(engine, one.container, observed, auto_remove);
    }
    killed.push_back(one.typed);
  }
  return killed;
}

}  // namespace engine
