#include "engine/clone.hpp"

#include "base/error.hpp"
#include "base/json.hpp"
#include "engine/abandoned.hpp"
#include "engine/after_end.hpp"
#include "engine/container_cgroup.hpp"
#include "engine/reconcile.hpp"
#include "engine/remove_container.hpp"
#include "engine/selection.hpp"
#include "engine/trash.hpp"
#include "engine/watch.hpp"

namespace engine {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

CloneSource clone_source(Engine& engine, const std::string& container) {
  const storage::ContainerRecord record = storage::read_record(require_container(engine, container));
  CloneSource source{.id = record.id, .name = record.name, .image_id = record.image_id, .command_line = {}};
  if (!record.create_command.empty())
    source.command_line =
        base::JsonAt::parse(record.create_command, concat("command of ", quoted(container))).strings();
  if (source.command_line.size() < 2)
    throw make_error(ErrorKind::unsupported, "container ", quoted(container), " does not know how it was made");
  return source;
}

std::string free_clone_name(Engine& engine, const std::string& name) {
  const std::string base = name + "-clone";
  std::string candidate = base;
  for (unsigned number = 1; find_container(engine, candidate); ++number) candidate = concat(base, number);
  return candidate;
}

void clean_up_container(Engine& engine, const std::string& container, bool removes) {
  const storage::ContainerDir found = require_container(engine, container);
  const storage::ContainerRecord record = storage::read_record(found);
  if (observe(found, engine.host.boot_id).is_running())
    throw make_error(ErrorKind::in_use, "container ", quoted(record.name),
                     " is running or paused, refusing to clean up")
        .with_hint(concat("engine stop ", record.name));
  wait_until_unwatched(found);
  if (removes) return remove_stopped(engine, found, record, record.auto_remove);
  finish_ended(engine, found);
  {
    const base::FileLock lock = storage::lock_container(found);
    remove_container_cgroup(found);
  }
  empty_trash(engine);
}

void copy_watch(Engine& engine, const std::string& from_id, const std::string& to_id) {
  const Watch from = read_watch(require_container(engine, from_id));
  const storage::ContainerDir to = require_container(engine, to_id);
  const Watch made = read_watch(to);
  Watch watch = from;
  watch.pidfile = made.pidfile;
  watch.monitor_pidfile = made.monitor_pidfile;
  watch.required = made.required;
  if (storage::read_record(to).auto_remove) watch.restart_policy = made.restart_policy;
  const base::FileLock lock = storage::lock_container(to);
  if (render_watch(watch) != render_watch(made)) replace_watch(to, watch);
}

}  // namespace engine
