#include "engine/restart.hpp"

#include "base/error.hpp"
#include "engine/events.hpp"
#include "engine/reconcile.hpp"
#include "engine/selection.hpp"
#include "engine/stop_container.hpp"
#include "engine/verbs.hpp"

namespace engine {
namespace {

void check_may_stop(const storage::ContainerRecord& record, const std::string& name) {
  if (!record.auto_remove) return;
  throw base::make_error(base::ErrorKind::in_use, "container ", base::quoted(name),
                         " was made with --rm: when it stops, it is removed")
      .with_hint(base::concat("engine stop ", name, ", then run it again; without --rm it can be restarted"));
}

}  // namespace

std::vector<std::string> restart(Engine& engine, const RestartOptions& options) {
  std::vector<std::string> restarted;
  for (const Selected& one : select_containers(engine, options.containers, options.one_of_all)) {
    const Observed observed = observe(one.container, engine.host.boot_id);
    if (!observed.is_running() && options.only_running) continue;
    const storage::ContainerRecord record = storage::read_record(one.container);  // soon it may be gone, with --rm
    if (observed.is_running()) {
      check_may_stop(record, one.typed);
      stop_running(one.container, observed, record.stop_signal,
                   options.timeout_seconds.value_or(record.stop_timeout_seconds));
    }
    StartOptions start_options;
    start_options.containers = {one.container.id};
    start(engine, start_options);
    note_container_event(engine, record, "restart");
    restarted.push_back(one.typed);
  }
  return restarted;
}

}  // namespace engine
