#include "engine/update.hpp"

#include "base/error.hpp"
#include "base/text.hpp"
#include "engine/container_cgroup.hpp"
#include "engine/events.hpp"
#include "engine/monitor_orders.hpp"
#include "engine/reconcile.hpp"
#include "engine/selection.hpp"
#include "engine/watch_words.hpp"
#include "runtime/spec.hpp"

namespace engine {

namespace {

std::string checked_resources(const LimitWords& words, bool with_default_swap) {
  std::string resources = resources_of(words, with_default_swap);
  base::with_context([&] { runtime::check_resources(resources); }, "the limits");
  return resources;
}

/// What was set. Where swap is not counted, memory is limited without it.
std::string set_now(Engine& engine, const storage::ContainerDir& container, const base::FileLock& lock,
                    const Observed& observed, const LimitWords& words, const std::string& resources) {
  const auto cgroup = container_cgroup(engine, container, lock, observed, resources);
  try {
    cgroup->set(resources);
    return resources;
  } catch (const base::Error& error) {
    const std::string without_swap = checked_resources(words, false);
    if (error.kind() != base::ErrorKind::unsupported || without_swap == resources) throw;
    cgroup->set(without_swap);
    return without_swap;
  }
}

void record_resources(const storage::ContainerDir& container, const base::FileLock& lock, const std::string& changes,
                      bool durable) {
  const std::string json = storage::read_config_json(container, runtime::max_spec_bytes);
  runtime::Spec spec = runtime::parse_spec(json, "config.json of the container");
  spec.linux.resources_json = merged_resources(spec.linux.resources_json, changes);
  storage::write_config_json(container, lock, runtime::write_spec(spec), durable);
}

}  // namespace

std::string update(Engine& engine, const UpdateOptions& options) {
  std::string resources = checked_resources(options.limits, true);
  const storage::ContainerDir container = require_container(engine, options.container);
  const storage::ContainerRecord record = storage::read_record(container);
  const Watch before = read_watch(container);
  Watch after = before;
  change_watch(after, options.restart, options.health);
  if (after.restarts() && record.auto_remove)
    throw base::make_error(base::ErrorKind::invalid_argument, "the --rm option conflicts with --restart ",
                           after.restart_policy);
  const base::FileLock lock = storage::lock_container(container);
  if (render_watch(after) != render_watch(before)) {
    replace_watch(container, after);
    if (after.restarts() && !before.restarts()) ask_for_clean_up(container);
    if (resources.empty()) note_container_event(engine, record, "update");
  }
  if (resources.empty()) return container.id;
  const Observed observed = observe(container, engine.host.boot_id);
  if (observed.is_running())
    base::with_context([&] { resources = set_now(engine, container, lock, observed, options.limits, resources); },
                       "updating ", base::quoted(options.container));
  record_resources(container, lock, resources, !record.auto_remove);
  note_container_event(engine, record, "update");
  return container.id;
}

}  // namespace engine
