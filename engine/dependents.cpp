#include "engine/dependents.hpp"

#include <algorithm>
#include <fcntl.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/path_in_root.hpp"
#include "engine/abandoned.hpp"
#include "engine/selection.hpp"
#include "storage/layout.hpp"

namespace engine {
namespace {

constexpr const char* folder_name = "needed-by";

std::vector<std::string> dependents_of(Engine& engine, const storage::ContainerDir& container) {
  std::vector<std::string> ids;
  if (!base::exists(container.dir.get(), folder_name)) return ids;
  for (std::string& id : base::list_directory(container.dir.get(), folder_name))
    if (storage::layout::is_container_id(id) && storage::open_container(engine.store(), id))
      ids.push_back(std::move(id));
  std::sort(ids.begin(), ids.end());
  return ids;
}

/// Each once: a container can need one only that was there before it, so that nobody needs himself.
void add_with_dependents(Engine& engine, const std::string& id, std::vector<std::string>& found) {
  if (std::find(found.begin(), found.end(), id) != found.end()) return;
  const auto container = storage::open_container(engine.store(), id);
  if (!container) return;
  for (const std::string& dependent : dependents_of(engine, *container)) add_with_dependents(engine, dependent, found);
  found.push_back(id);
}

}  // namespace

void note_dependent(Engine& engine, const std::string& owner, const std::string& id) {
  const auto container = storage::open_container(engine.store(), owner);
  if (!container)
    throw base::make_error(base::ErrorKind::not_found, "container ", owner.substr(0, 12),
                           ", whose namespaces are to be joined, was removed");
  const base::UniqueFd folder = base::make_directories(container->dir.get(), folder_name, 0700);
  const base::UniqueFd file{::openat(folder.get(), id.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600)};
  if (!file) throw base::os_error("noting that container ", owner.substr(0, 12), " is needed");
}

bool is_needed(Engine& engine, const std::string& id) {
  const auto container = storage::open_container(engine.store(), id);
  return container && !dependents_of(engine, *container).empty();
}

void refuse_dependents(Engine& engine, const std::string& name) {
  const auto container = find_container(engine, name);
  const std::vector<std::string> ids = container ? dependents_of(engine, *container) : std::vector<std::string>{};
  if (ids.empty()) return;
  throw base::make_error(base::ErrorKind::already_exists, "container ", container->id,
                         " has dependent containers which must be removed before it: ", base::join(ids, ", "))
      .with_hint(base::concat("engine rm --depend ", name));
}

std::vector<std::string> with_dependents(Engine& engine, const std::string& container) {
  std::vector<std::string> found;
  add_with_dependents(engine, require_container(engine, container).id, found);
  return found;
}

std::vector<std::string> dependents_first(Engine& engine, const std::vector<std::string>& ids) {
  std::vector<std::string> ordered;
  for (const std::string& id : ids) add_with_dependents(engine, id, ordered);
  std::erase_if(ordered, [&](const std::string& id) { return std::find(ids.begin(), ids.end(), id) == ids.end(); });
  return ordered;
}

}  // namespace engine
