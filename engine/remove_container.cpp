#include "engine/remove_container.hpp"

#include <csignal>
#include <fcntl.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "engine/after_end.hpp"
#include "engine/container_cgroup.hpp"
#include "engine/container_mount.hpp"
#include "engine/container_secrets.hpp"
#include "engine/events.hpp"
#include "engine/external_runtime_start.hpp"
#include "engine/monitor_orders.hpp"
#include "engine/network.hpp"
#include "engine/reconcile.hpp"
#include "engine/restart_policy.hpp"
#include "engine/selection.hpp"
#include "engine/stop_container.hpp"
#include "engine/trash.hpp"
#include "engine/verbs.hpp"
#include "engine/volumes.hpp"
#include "storage/volumes.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

void remove_attach_socket(Engine& engine, const std::string& id) {
  if (const auto folder = base::try_open_directory(engine.store().run(), "attach"))
    base::unlink_file(folder->get(), id);
}

/// What --cidfile wrote goes with the container, as podman has it; a file that somebody else put there meanwhile stays.
void remove_cidfile(const storage::ContainerRecord& record) noexcept {
  if (record.cidfile.empty()) return;
  try {
    const base::UniqueFd file{::open(record.cidfile.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    if (file && base::read_to_end(file.get(), record.id.size()) == record.id)
      base::unlink_file(AT_FDCWD, record.cidfile);
  } catch (const base::Error& error) {
    base::log(base::LogLevel::debug, "container id file ", record.cidfile, " stays: ", error.message());
  }
}

/// rm --force of a live container: kill it, and let its monitor finish.
void end_by_force(Engine& engine, const storage::ContainerDir& container) {
  const Observed observed = observe(container, engine.host.boot_id);
  note_wanted_end(container);
  if (signal_container(observed, SIGKILL)) let_killed_end(container, observed);
  if (observed.is_running()) wait_for_killed(observed);
  wait_until_unwatched(container);
}

void remove_one(Engine& engine, const Selected& one, const RemoveOptions& options) {
  const storage::ContainerRecord record =
      options.force ? record_or_id(one.container) : storage::read_record(one.container);
  const Observed observed = observe(one.container, engine.host.boot_id);
  if (!observed.is_running() && observed.monitored) wait_until_unwatched(one.container);  // it ended a moment ago
  if (observed.is_running()) {
    if (!options.force && observed.is_started())
      throw make_error(ErrorKind::in_use, "container ", record.id.substr(0, 12), " (", record.name, ") is running")
          .with_hint(base::concat("engine rm --force ", one.typed, "   or   engine stop ", one.typed));
    end_by_force(engine, one.container);
    // The monitor of a --rm container may have removed it by now, which is what was asked for.
    if (!storage::find_container(engine.store(), record.id)) return;
  }
  remove_stopped(engine, one.container, record, options.volumes || record.auto_remove);
}

/// With --force, a container that somebody starts at this moment is ended as well.
void remove_one_or_its_next_life(Engine& engine, const Selected& one, const RemoveOptions& options) {
  constexpr int max_lives = 5;
  for (int life = 1;; ++life) {
    try {
      return remove_one(engine, one, options);
    } catch (const base::Error& error) {
      if (error.kind() != ErrorKind::in_use || !options.force || life == max_lives) throw;
      if (!observe(one.container, engine.host.boot_id).is_running()) throw;
    }
  }
}

}  // namespace

void remove_anonymous_volumes(Engine& engine, const storage::ContainerRecord& record) noexcept {
  for (const std::string& name : record.anonymous_volumes) {
    try {
      const base::FileLock lock = storage::lock_volume(engine.store(), name);
      // Another container may have it by --volumes-from; who records that looks again whether the volume is there.
      std::vector<std::string> users = users_of_volume(engine.store(), name);
      std::erase(users, record.id);
      if (!users.empty()) continue;
      storage::remove_volume(engine.store(), lock, name);
      note_volume_event(engine, "remove", name);
    } catch (const base::Error& error) {
      if (error.kind() == ErrorKind::not_found) continue;
      base::log(base::LogLevel::warn, "removing volume ", name, ": ", error.message());
    }
  }
}

void remove_stopped(Engine& engine, const storage::ContainerDir& container, const storage::ContainerRecord& record,
                    bool with_anonymous_volumes) {
  {
    const auto alive = take_alive(container, engine.host.boot_id);
    if (!alive)
      throw make_error(ErrorKind::in_use, "container ", quoted(record.name), " is in use by another process")
          .with_hint("engine ps shows its state");
    wait_for_ports(container, record);
    finish_life(engine, container, *alive);
    const base::FileLock lock = storage::lock_container(container);
    remove_container_cgroup(container);
    if (!record.runtime.empty()) delete_externally(engine, container, record);
    storage::remove_container(engine.store(), container, lock);
  }
  remove_attach_socket(engine, container.id);
  drop_container_mount(engine.store(), container.id);
  forget_secrets(engine.store(), container.id);
  remove_cidfile(record);
  note_container_event(engine, record, "remove");
  if (with_anonymous_volumes) remove_anonymous_volumes(engine, record);
  empty_trash(engine);
}

void discard_container(Engine& engine, const storage::ContainerDir& container,
                       const storage::ContainerRecord& record) noexcept {
  try {
    wait_until_unwatched(container);
    remove_stopped(engine, container, record, true);
  } catch (const base::Error& error) {
    if (error.kind() == ErrorKind::not_found) return;  // another command removed what ours had abandoned
    base::log(base::LogLevel::warn, "removing container ", record.name, ": ", error.message());
  }
}

std::vector<std::string> remove(Engine& engine, const RemoveOptions& options) {
  std::vector<std::string> removed;
  for (const Selected& one : select_containers(engine, options.containers, options.ignore)) {
    try {
      remove_one_or_its_next_life(engine, one, options);
      removed.push_back(one.typed);
    } catch (const base::Error& error) {
      if (storage::open_container(engine.store(), one.container.id)) throw;
      if (error.kind() != ErrorKind::not_found && error.kind() != ErrorKind::in_use)
        throw;                       // it went, but not all of it
      if (options.ignore) continue;  // somebody else was faster
      throw make_error(ErrorKind::not_found, "container ", quoted(one.typed), " was removed by another command");
    }
  }
  return removed;
}

int cleanup(Engine& engine, const std::string& id) {
  const auto container = storage::find_container(engine.store(), id);
  if (!container) return 0;
  const storage::ContainerRecord record = storage::read_record(*container);
  const Observed observed = observe(*container, engine.host.boot_id);
  if (observed.is_running()) throw make_error(ErrorKind::in_use, "container ", quoted(record.name), " is running");
  if (record.auto_remove) {
    remove_stopped(engine, *container, record, true);
  } else {
    forget_clean_up(*container);
    finish_ended(engine, *container);
    remove_cgroup_if_ended(*container, engine.host.boot_id);
    if (read_watch(*container).restarts()) return restart_ended(engine, id);  // by an update while it ran
  }
  return observed.state.exit_code;  // a service manager takes ours for the container's
}

}  // namespace engine
