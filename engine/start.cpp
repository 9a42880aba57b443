#include <unistd.h>

#include "base/error.hpp"
#include "engine/attach.hpp"
#include "engine/events.hpp"
#include "engine/initialized.hpp"
#include "engine/joined_namespaces.hpp"
#include "engine/launch.hpp"
#include "engine/reconcile.hpp"
#include "engine/requirements.hpp"
#include "engine/restart_policy.hpp"
#include "engine/selection.hpp"
#include "engine/verbs.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;

namespace {

runtime::Spec read_spec(const storage::ContainerDir& container) {
  const std::string json = storage::read_config_json(container, runtime::max_spec_bytes);
  return runtime::parse_spec(json, base::concat("config.json of container ", container.id.substr(0, 12)));
}

/// Its monitor, for who attaches.
std::optional<base::Channel> join_running(Engine& engine, const Selected& one, const Observed& observed,
                                          bool attached) {
  if (observed.is_paused())
    throw make_error(ErrorKind::in_use, "container ", base::quoted(one.typed), " is paused")
        .with_hint(base::concat("engine unpause ", one.typed));
  std::optional<base::Channel> monitor;
  if (attached) monitor = connect_attach(engine.store(), one.container.id);
  if (!observed.is_started() || waits_for_start(one.container)) let_initialized_run(engine, one.container);
  return monitor;
}

std::optional<base::Channel> start_one(Engine& engine, const Selected& one, const storage::ContainerRecord& record,
                                       const StartOptions& options) {
  const bool attached = options.attach || options.interactive;
  const std::string& boot_id = engine.host.boot_id;
  Observed observed = observe(one.container, boot_id);
  if (!observed.is_running() && observed.monitored) {  // it ended a moment ago, or somebody else starts it
    static_cast<void>(take_alive(one.container, boot_id));
    observed = observe(one.container, boot_id);
  }
  if (observed.is_running()) return join_running(engine, one, observed, attached);
  forget_restarts(one.container);
  runtime::Spec spec = read_spec(one.container);
  start_owner(engine, spec);
  start_required(engine, read_watch(one.container));
  if (spec.process.terminal && attached)
    if (const auto size = runtime::window_size(STDIN_FILENO)) spec.process.console_size = {size->rows, size->columns};
  try {
    base::Channel monitor = launch_with_keeper({engine, one.container, record, spec}, attached);
    if (attached) return monitor;
  } catch (const base::Error& error) {
    // Somebody was faster, such as its own policy that is late on a busy host: it runs, which is what was asked for.
    const Observed now = observe(one.container, boot_id);
    if (error.kind() != ErrorKind::in_use || !now.is_running()) throw;
    return join_running(engine, one, now, attached);
  }
  return std::nullopt;
}

}  // namespace

int start(Engine& engine, const StartOptions& options) {
  const auto selected = select_containers(engine, options.containers, options.one_of_all);
  const bool attached = options.attach || options.interactive;
  if (attached && options.containers.size() != 1)
    throw make_error(ErrorKind::invalid_argument, "--attach needs exactly one container");
  for (const Selected& one : selected) {
    std::optional<base::SignalFd> signals;
    if (attached) signals.emplace(forwarded_signals());
    const storage::ContainerRecord record = storage::read_record(one.container);  // soon it may be gone, with --rm
    auto monitor = start_one(engine, one, record, options);
    if (!monitor) continue;
    AttachOptions how{.tty = record.tty,
                      .with_stdin = options.interactive,
                      .ends_terminal = true,
                      .sig_proxy = options.sig_proxy,
                      .detach_keys = options.detach_keys.value_or(record.detach_keys)};
    how.forward_signal = [&](int signal) { signal_container(observe(one.container, engine.host.boot_id), signal); };
    note_container_event(engine, record, "attach");
    const auto code = attach(std::move(*monitor), how, *signals);
    if (code) wait_until_settled(engine.store(), one.container, record.auto_remove);
    return code.value_or(0);
  }
  return 0;
}

}  // namespace engine
