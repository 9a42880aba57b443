#include "engine/rename.hpp"

#include "base/fs.hpp"
#include "engine/abandoned.hpp"
#include "engine/events.hpp"
#include "engine/names.hpp"
#include "engine/selection.hpp"
#include "storage/container_rename.hpp"

namespace engine {

void rename(Engine& engine, const std::string& container, const std::string& name) {
  check_container_name(name);
  const storage::ContainerDir found = require_container(engine, container);
  find_container(engine, name);  // who has the name may be a container that was abandoned, which goes now
  storage::rename_container(engine.store(), found, name);
  // Its monitor, if it has one, was told the old name.
  base::write_file_atomically(found.dir.get(), renamed_name, name, base::Durability::volatile_);
  note_container_event(engine, storage::read_record(found), "rename");
}

}  // namespace engine
