#include "engine/repair.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "engine/abandoned.hpp"
#include "engine/repair_objects.hpp"
#include "engine/trash.hpp"
#include "engine/verbs.hpp"
#include "storage/container_names.hpp"
#include "storage/containers.hpp"
#include "storage/prune.hpp"
#include "storage/repair.hpp"
#include "storage/trash.hpp"
#include "storage/volumes.hpp"

namespace engine {
namespace {

using storage::Cure;
using storage::Finding;

void write_state(Engine& engine, const std::string& id) {
  const auto container = storage::open_container(engine.store(), id);
  if (!container) return;
  const auto alive = storage::try_lock_alive(*container);
  if (!alive) return;  // it runs, and the note in `alive` says all that is needed; the end will be written over it
  const base::FileLock lock = storage::lock_container(*container);
  storage::restore_container_state(*container, lock);
}

void write_volume_record(Engine& engine, const std::string& name) {
  const base::FileLock lock = storage::lock_volume(engine.store(), name);
  storage::restore_volume_record(engine.store(), lock, name);
}

void make_folder(Engine& engine, const std::string& path) {
  const int root = engine.store().root();
  if (::mkdirat(root, path.c_str(), 0700) == 0) return;
  if (errno != EEXIST) throw base::os_error("making the folder ", base::quoted(path));
  struct stat info {};
  if (::fstatat(root, path.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0)
    throw base::os_error("looking at ", base::quoted(path));
  if (S_ISDIR(info.st_mode)) return;             // whoever saw that it was missing, it is there
  storage::move_to_trash(engine.store(), path);  // something that is no folder
  if (::mkdirat(root, path.c_str(), 0700) != 0) throw base::os_error("making the folder ", base::quoted(path));
}

void close_folder(Engine& engine, const std::string& path) {
  if (::fchmodat(engine.store().root(), path.c_str(), 0700, 0) != 0)
    throw base::os_error("setting the mode of ", base::quoted(path));
}

void discard(Engine& engine, const std::string& path) {
  const storage::GcLock lock = engine.store().lock_garbage();
  storage::move_to_trash(engine.store(), path);
}

void link_name(Engine& engine, const std::string& id) {
  if (const auto container = storage::open_container(engine.store(), id))
    storage::restore_container_name(engine.store(), *container);
}

void remove_by_force(Engine& engine, const std::string& id) {
  RemoveOptions options;
  options.containers = {id};
  options.force = true;
  options.ignore = true;
  remove(engine, options);
}

/// What is done in a moment, and by renames.
void mend(Engine& engine, const CheckOptions& options, const Finding& finding) {
  switch (finding.cure) {
    case Cure::make_folder:
      return make_folder(engine, finding.path);
    case Cure::close_folder:
      return close_folder(engine, finding.path);
    case Cure::discard:
      return discard(engine, finding.path);
    case Cure::write_state:
      return write_state(engine, finding.object);
    case Cure::link_name:
      return link_name(engine, finding.object);
    case Cure::write_volume_record:
      return write_volume_record(engine, finding.object);
    case Cure::remove_container:
      if (options.force) remove_by_force(engine, finding.object);
      return;
    case Cure::none:
    case Cure::sweep:
    case Cure::rebuild_layer:
    case Cure::fetch_blob:
    case Cure::restore_image:
      return;
  }
}

void remove_abandoned(Engine& engine) {
  for (const std::string& id : storage::list_container_ids(engine.store()))
    if (const auto container = storage::open_container(engine.store(), id)) remove_if_abandoned(engine, *container);
}

/// After the rest: what was given up is garbage by now.
void sweep(Engine& engine) {
  const storage::Store& store = engine.store();
  storage::remove_unborn_containers(store);
  storage::remove_stale_names(store);
  remove_abandoned(engine);
  try {
    const storage::GcLock lock = store.lock_garbage();
    storage::move_garbage(store, lock, storage::find_garbage(store, lock));
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::corrupt) throw;  // what a damaged record keeps is not known: all of it stays
    base::log(base::LogLevel::warn, "nothing is swept away: ", error.message());
  }
  empty_trash(engine);
}

}  // namespace

void repair(Engine& engine, const CheckOptions& options, const std::vector<Finding>& findings,
            std::vector<std::string>& lost) {
  for (const Finding& finding : findings) {
    if (!finding.is_certain && !options.force) continue;
    try {
      mend(engine, options, finding);
    } catch (const base::Error& error) {
      if (error.kind() == base::ErrorKind::interrupted) throw;
      lost.push_back(base::concat("not repaired: ", error.message()));
    }
  }
  for (const Finding& finding : findings)
    if (finding.cure == Cure::make_folder) return;  // nothing else was looked at
  repair_objects(engine, options, findings, lost);
  sweep(engine);
}

}  // namespace engine
