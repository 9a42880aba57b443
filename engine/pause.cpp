#include "engine/pause.hpp"

#include "base/error.hpp"
#include "engine/container_cgroup.hpp"
#include "engine/events.hpp"
#include "engine/selection.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

std::vector<std::string> pause(Engine& engine, const PauseOptions& options) {
  std::vector<std::string> paused;
  for (const Selected& one : select_containers(engine, options.containers, options.one_of_all)) {
    const base::FileLock lock = storage::lock_container(one.container);
    const Observed observed = observe(one.container, engine.host.boot_id);
    if (observed.state.status != "running") {
      if (options.one_of_all) continue;
      throw make_error(ErrorKind::in_use, "container ", quoted(one.typed), " is ", observed.state.status,
                       ", not running, and cannot be paused");
    }
    base::with_context([&] { container_cgroup(engine, one.container, lock, observed)->freeze(); }, "pausing ",
                       quoted(one.typed));
    note_container_event(engine, storage::read_record(one.container), "pause");
    paused.push_back(one.typed);
  }
  return paused;
}

std::vector<std::string> unpause(Engine& engine, const PauseOptions& options) {
  std::vector<std::string> unpaused;
  for (const Selected& one : select_containers(engine, options.containers, options.one_of_all)) {
    const base::FileLock lock = storage::lock_container(one.container);
    const Observed observed = observe(one.container, engine.host.boot_id);
    if (observed.state.status != "paused") {
      if (options.one_of_all) continue;
      throw make_error(ErrorKind::in_use, "container ", quoted(one.typed), " is ", observed.state.status,
                       ", not paused, and cannot be unpaused");
    }
    base::with_context([&] { container_cgroup(engine, one.container, lock, observed)->thaw(); }, "unpausing ",
                       quoted(one.typed));
    note_container_event(engine, storage::read_record(one.container), "unpause");
    unpaused.push_back(one.typed);
  }
  return unpaused;
}

}  // namespace engine
