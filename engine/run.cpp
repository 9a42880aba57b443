#include <algorithm>
#include <csignal>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/log.hpp"
#include "base/scope_exit.hpp"
#include "engine/attach.hpp"
#include "engine/create.hpp"
#include "engine/events.hpp"
#include "engine/joined_namespaces.hpp"
#include "engine/launch.hpp"
#include "engine/reconcile.hpp"
#include "engine/relay.hpp"
#include "engine/remove_container.hpp"
#include "engine/requirements.hpp"
#include "engine/verbs.hpp"

namespace engine {

namespace {

/// run --rm with none of -d, -i, -t: no keeper and no monitor; init is our child and dies with us.
int run_directly(const Launch& launch, const base::FileLock& alive) {
  ChildStreams streams = make_child_streams(false);
  base::SignalFd signals{forwarded_signals()};  // from here on signals are for the container
  StartedInit started = start_init(launch, alive, {streams.in, streams.out, streams.err}, true);
  launch.engine.early_user_namespace.reset();
  streams.kept.clear();
  streams.relay.forward_signal = [&](int signal) { started.init.process.send_signal(signal); };
  note_container_event(launch.engine, launch.record, "attach");
  const int code = relay(started.init.process, std::move(streams.relay), signals).code;
  note_container_event(launch.engine, launch.record, "died", code);
  launch.engine.last_user_namespace = std::move(started.init.user_namespace);
  return code;
}

void set_console_size(runtime::Spec& spec) {
  if (!spec.process.terminal) return;
  if (const auto size = runtime::window_size(STDIN_FILENO)) spec.process.console_size = {size->rows, size->columns};
}

bool attaches(const RunOptions& options, std::string_view stream) {
  return std::find(options.attach.begin(), options.attach.end(), stream) != options.attach.end();
}

void check_attach(const RunOptions& options) {
  for (const std::string& stream : options.attach)
    if (stream != "stdin" && stream != "stdout" && stream != "stderr")
      throw base::make_error(base::ErrorKind::invalid_argument, "invalid stream ", base::quoted(stream),
                             " for --attach - must be one of stdin, stdout, or stderr");
  if (!options.attach.empty() && options.log_driver == "passthrough")
    throw base::make_error(base::ErrorKind::invalid_argument, "cannot specify --attach with --log-driver=passthrough");
}

int attach_to_started(Engine& engine, const NewContainer& container, base::Channel monitor, const RunOptions& options,
                      base::SignalFd& signals) {
  AttachOptions how{.tty = options.tty,
                    .with_stdin = options.interactive,
                    .ends_terminal = true,
                    .sig_proxy = options.sig_proxy,
                    .detach_keys = container.record.detach_keys};
  if (!options.attach.empty()) {
    how.shows_output = attaches(options, "stdout");
    how.shows_errors = attaches(options, "stderr");
  }
  const std::string& boot_id = engine.host.boot_id;
  how.forward_signal = [&](int signal) { signal_container(observe(container.dir, boot_id), signal); };
  note_container_event(engine, container.record, "attach");
  try {
    const auto code = attach(std::move(monitor), how, signals);
    if (code) wait_until_settled(engine.store(), container.dir, options.auto_remove);
    return code.value_or(0);
  } catch (const base::Error& error) {
    // Nobody reads our output any more (`… | head -n 1`): a container that only this command knew of ends with it.
    if (error.code() == EPIPE && options.auto_remove) signal_container(observe(container.dir, boot_id), SIGKILL);
    throw;
  }
}

void warn_without_terminal(const RunOptions& options) {
  if (options.tty && options.interactive && ::isatty(STDIN_FILENO) == 0)
    base::log(base::LogLevel::warn,
              "standard input is not a terminal; --tty and --interactive may not do what you want");
}

}  // namespace

int run(Engine& engine, const RunOptions& options) {
  descriptors_to_pass(options.preserve_fds, options.preserve_fd);  // refused before anything is made
  check_attach(options);
  NewContainer container = create_container(engine, options, true);
  set_console_size(container.spec);
  const Launch launch{engine,         container.dir,        container.record,
                      container.spec, options.preserve_fds, options.preserve_fd};
  auto remove_it = base::on_scope_exit([&] {
    container.alive.reset();
    if (options.auto_remove) discard_container(engine, container.dir, container.record);
  });
  start_owner(engine, container.spec);
  if (!options.required.empty()) start_required(engine, read_watch(container.dir));
  // Without --sig-proxy the container outlives a signal that ends us; only a monitor ends what it leaves behind.
  const bool direct = options.auto_remove && !options.detach && !options.interactive && !options.tty &&
                      options.sig_proxy && has_own_pid_namespace(container.spec) && !container.needs_monitor;
  if (direct) return run_directly(launch, *container.alive);
  warn_without_terminal(options);
  if (options.detach) {
    launch_with_keeper(launch, false, std::move(container.alive));
    remove_it.cancel();  // the monitor does it
    if (options.on_started) options.on_started(container.record.id);
    return 0;
  }
  base::SignalFd signals{forwarded_signals()};
  base::Channel monitor = launch_with_keeper(launch, true, std::move(container.alive));
  remove_it.cancel();  // the monitor does it, also when this command is killed
  return attach_to_started(engine, container, std::move(monitor), options, signals);
}

}  // namespace engine
