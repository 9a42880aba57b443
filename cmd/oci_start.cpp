#include <fcntl.h>
#include <poll.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "cmd/oci_create.hpp"
#include "cmd/oci_destroy.hpp"
#include "cmd/oci_notify.hpp"
#include "runtime/hooks.hpp"

namespace cmd {
namespace {

using base::ErrorKind;
using base::make_error;

constexpr int end_limit_milliseconds = 5000;

base::UniqueFd open_report(int dir) {
  base::UniqueFd report{::openat(dir, report_fifo, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)};
  if (!report) throw base::os_error("opening FIFO ", base::quoted(report_fifo));
  return report;
}

/// Tells the process to go on. Returns where it reports.
base::UniqueFd let_it_run(const OciContainer& container) {
  const std::string status = status_of(container);
  const int dir = container.dir.get();
  if (status != "created")
    throw make_error(ErrorKind::in_use, "container ", base::quoted(container.state.id), " is ", status,
                     ", not created");
  base::UniqueFd report = open_report(dir);
  if (!answer_start(dir, start_byte))
    throw make_error(ErrorKind::in_use, "the process of container ", base::quoted(container.state.id),
                     " has ended before it was started");
  base::unlink_file(dir, start_fifo);
  base::unlink_file(dir, report_fifo);
  base::set_nonblocking(report.get(), false);
  return report;
}

struct Started {
  OciContainer container;
  runtime::CreatedInit init;
  std::optional<ReadyForwarder> ready;
};

/// Under the lock, so that it happens once; what comes after it is the process's own time.
Started start_once(const OciGlobals& globals, const std::string& id) {
  LockedContainer locked = lock_oci_container(globals.root, id);
  Started started;
  if (locked.container.state.command.empty())
    throw make_error(ErrorKind::invalid_argument, "config.json of ", base::quoted(id), " has no process to start");
  started.ready = ReadyForwarder::listen(locked.container.dir.get());
  started.init.start_report = let_it_run(locked.container);
  started.init.command = locked.container.state.command;
  started.init.cwd = locked.container.state.cwd;
  started.container = std::move(locked.container);
  return started;
}

/// A last stage that failed says so before it ends; afterwards the container is to be found stopped.
void wait_for_failed_start(const OciContainer& container) {
  const base::UniqueFd process = open_oci_process(container.state);
  if (!process) return;
  pollfd waiting{process.get(), POLLIN, 0};
  if (::poll(&waiting, 1, end_limit_milliseconds) < 0) throw base::os_error("waiting for the container's process");
}

}  // namespace

void run_poststart(const OciGlobals& globals, const OciContainer& container) {
  if (!container.state.has_poststart) return;
  const std::string state =
      runtime::hook_state(hook_container(container.state), container.state.process.pid, "running");
  try {
    runtime::run_hooks(read_oci_spec(container).hooks.poststart, "poststart", state);
  } catch (const base::Error&) {
    destroy_oci_container(globals.root, lock_oci_container(globals.root, container.state.id));
    throw;
  }
}

int oci_start(const OciGlobals& globals, const OciWords& words) {
  Started started = start_once(globals, words.words.front());
  try {
    runtime::wait_for_exec(started.init);
  } catch (const base::Error&) {
    wait_for_failed_start(started.container);
    throw;
  }
  run_poststart(globals, started.container);
  if (started.ready) {
    const OciState& state = started.container.state;
    started.ready->forward(open_oci_process(state), state.process.pid);
  }
  return 0;
}

}  // namespace cmd
