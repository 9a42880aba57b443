#include "engine/abandoned.hpp"

#include "base/error.hpp"
#include "base/log.hpp"
#include "engine/container_cgroup.hpp"
#include "engine/reconcile.hpp"
#include "engine/remove_container.hpp"

namespace engine {

/// `alive` is asked first: whoever is about to start or remove the container holds it.
bool is_abandoned(const storage::ContainerDir& container, const storage::ContainerRecord& record,
                  const std::string& boot_id) {
  if (!record.auto_remove && !storage::read_state(container).is_unfinished) return false;
  if (storage::is_monitored(container)) return false;
  const Observed observed = observe(container, boot_id);
  if (observed.is_running()) return false;
  if (observed.state.is_unfinished) return true;
  return record.auto_remove &&
         (observed.state.status == "created" ? record.only_for_run : observed.state.status == "exited");
}

namespace {

/// True always: it is gone, or somebody else was faster.
bool remove_if_lost(Engine& engine, const storage::ContainerDir& container) {
  try {
    storage::ContainerRecord nothing_known;
    nothing_known.id = nothing_known.name = container.id;
    if (storage::is_lost(container)) remove_stopped(engine, container, nothing_known, false);
  } catch (const base::Error& error) {
    base::log(base::LogLevel::debug, "container ", container.id, ": ", error.message());
  }
  return true;
}

}  // namespace

bool remove_if_abandoned(Engine& engine, const storage::ContainerDir& container) {
  try {
    const storage::ContainerRecord record = storage::read_record(container);
    if (!is_abandoned(container, record, engine.host.boot_id)) {
      remove_cgroup_if_ended(container, engine.host.boot_id);
      return false;
    }
    remove_stopped(engine, container, record, true);
    return true;
  } catch (const base::Error& error) {
    if (error.kind() == base::ErrorKind::not_found) return remove_if_lost(engine, container);
    base::log(base::LogLevel::debug, "container ", container.id, ": ", error.message());
    return false;
  }
}

std::optional<storage::ContainerDir> find_container(Engine& engine, const std::string& text) {
  auto container = storage::find_container(engine.store(), text);
  if (container && remove_if_abandoned(engine, *container)) return std::nullopt;
  return container;
}

}  // namespace engine
