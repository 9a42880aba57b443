#include "engine/initialized.hpp"

#include <csignal>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/fs.hpp"
#include "engine/events.hpp"
#include "engine/external_runtime_start.hpp"
#include "engine/launch.hpp"
#include "engine/reconcile.hpp"
#include "engine/selection.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr const char* start_fifo = "start";
constexpr const char* report_fifo = "report";
constexpr char start_byte = 's';

base::UniqueFd make_fifo(int dir, const char* name) {
  base::unlink_file(dir, name);
  if (::mkfifoat(dir, name, 0600) != 0) throw base::os_error("making FIFO ", quoted(name));
  base::UniqueFd fd{::openat(dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) throw base::os_error("opening FIFO ", quoted(name));
  return fd;
}

base::UniqueFd open_fifo(int dir, const char* name, int mode) {
  base::UniqueFd fd{::openat(dir, name, mode | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd && (errno == ENXIO || errno == ENOENT))
    throw make_error(ErrorKind::in_use, "the container's process has ended before it was started");
  if (!fd) throw base::os_error("opening FIFO ", quoted(name));
  base::set_nonblocking(fd.get(), false);
  return fd;
}

runtime::Spec read_spec(const storage::ContainerDir& container) {
  return runtime::parse_spec(storage::read_config_json(container, runtime::max_spec_bytes),
                             base::concat("config.json of container ", container.id.substr(0, 12)));
}

/// Another runtime's container whose helper was killed: nobody can start its process any more, so it ends.
base::Error lost_error(const Observed& observed, const storage::ContainerRecord& record) {
  signal_container(observed, SIGKILL);
  return make_error(ErrorKind::command_not_usable, "container ", quoted(record.name),
                    " was not started: the process that was to do it under ", quoted(record.runtime), " has ended")
      .with_hint(base::concat("what was initialized is ended, too; make it anew: engine start ", record.name));
}

}  // namespace

bool waits_for_start(const storage::ContainerDir& container) {
  return static_cast<bool>(
      base::UniqueFd{::openat(container.dir.get(), start_fifo, O_WRONLY | O_NONBLOCK | O_CLOEXEC)});
}

StartGate make_start_gate(const storage::ContainerDir& container) {
  return {make_fifo(container.dir.get(), start_fifo), make_fifo(container.dir.get(), report_fifo)};
}

void let_initialized_run(Engine& engine, const storage::ContainerDir& container) {
  const int dir = container.dir.get();
  const storage::ContainerRecord record = storage::read_record(container);
  runtime::CreatedInit init;
  {
    const base::FileLock lock = storage::lock_container(container);
    const Observed observed = observe(container, engine.host.boot_id);
    const bool waits = waits_for_start(container);
    if (observed.is_started() && !waits) return;  // by another command
    if (observed.is_running() && !waits) throw lost_error(observed, record);
    const runtime::Spec spec = read_spec(container);
    init.start_report = open_fifo(dir, report_fifo, O_RDONLY);
    init.command = spec.process.args.empty() ? "" : spec.process.args.front();
    init.cwd = spec.process.cwd;
    const base::UniqueFd start = open_fifo(dir, start_fifo, O_WRONLY);
    storage::ContainerState state = observed.state;
    state.status = "running";
    state.started = base::format_rfc3339(base::now());
    storage::write_state(container, lock, state);
    base::write_all(start.get(), {&start_byte, 1});
    base::unlink_file(dir, start_fifo);
    base::unlink_file(dir, report_fifo);
  }
  note_container_event(engine, record, "start");
  try {
    runtime::wait_for_exec(init);
    if (!record.runtime.empty())
      check_started_externally(container, record, !observe(container, engine.host.boot_id).is_running());
  } catch (const base::Error&) {
    if (!record.runtime.empty()) signal_container(observe(container, engine.host.boot_id), SIGKILL);
    wait_for_end(observe(container, engine.host.boot_id), std::nullopt);
    wait_until_unwatched(container);
    throw;
  }
}

std::vector<std::string> initialize(Engine& engine, const InitializeOptions& options) {
  std::vector<std::string> initialized;
  for (const Selected& one : select_containers(engine, options.containers, options.one_of_all)) {
    const Observed observed = observe(one.container, engine.host.boot_id);
    if (observed.is_running()) {
      if (options.one_of_all) continue;
      throw make_error(ErrorKind::in_use, "container ", quoted(one.typed), " is ", observed.state.status, " already");
    }
    if (observed.monitored) wait_until_unwatched(one.container);  // it ended a moment ago
    const storage::ContainerRecord record = storage::read_record(one.container);
    const runtime::Spec spec = read_spec(one.container);
    Launch launch{engine, one.container, record, spec};
    launch.only_initialize = true;
    launch_with_keeper(launch, false);
    initialized.push_back(one.typed);
  }
  return initialized;
}

}  // namespace engine
