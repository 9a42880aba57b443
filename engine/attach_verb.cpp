#include "engine/attach_verb.hpp"

#include "base/error.hpp"
#include "engine/attach.hpp"
#include "engine/detach_keys.hpp"
#include "engine/events.hpp"
#include "engine/launch.hpp"
#include "engine/reconcile.hpp"
#include "engine/selection.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

int attach_to(Engine& engine, const AttachToOptions& options) {
  const storage::ContainerDir container = require_container(engine, options.container);
  const storage::ContainerRecord record = storage::read_record(container);
  const Observed observed = observe(container, engine.host.boot_id);
  if (!observed.is_running())
    throw make_error(ErrorKind::in_use, "container ", quoted(options.container), " is not running (it is ",
                     observed.state.status, ")")
        .with_hint(base::concat("engine start --attach ", options.container));
  AttachOptions how{.tty = record.tty,
                    .with_stdin = options.with_stdin && record.open_stdin,
                    .sig_proxy = options.sig_proxy,
                    .detach_keys = options.detach_keys.value_or(record.detach_keys)};
  parse_detach_keys(how.detach_keys);
  how.forward_signal = [&](int signal) { signal_container(observe(container, engine.host.boot_id), signal); };
  base::SignalFd signals{forwarded_signals()};
  note_container_event(engine, record, "attach");
  const auto code = attach(connect_attach(engine.store(), record.id), how, signals);
  if (code) wait_until_settled(engine.store(), container, record.auto_remove);
  return code.value_or(0);
}

}  // namespace engine
