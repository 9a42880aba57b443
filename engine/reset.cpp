#include <optional>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "engine/trash.hpp"
#include "engine/upkeep.hpp"
#include "engine/verbs.hpp"
#include "storage/artifact_names.hpp"
#include "storage/layout.hpp"
#include "storage/place.hpp"
#include "storage/prune_reachable.hpp"
#include "storage/secrets.hpp"
#include "storage/trash.hpp"

namespace engine {
namespace {

/// What nobody can be using once its containers are gone. Locks stay, and staging is its owner's.
constexpr const char* emptied_folders[] = {"refs", "images", "merged", "layers", "volumes", "names", "containers"};

void remove_containers(Engine& engine) {
  RemoveOptions options;
  options.containers = storage::peek_container_ids(engine.store());
  if (options.containers.empty()) return;
  options.force = true;
  options.ignore = true;
  options.volumes = true;
  options.timeout_seconds = 0;
  remove(engine, options);
}

void empty_folder(const storage::Store& store, const std::string& folder) {
  for (const std::string& name : base::list_directory(store.root(), folder))
    storage::move_to_trash(store, base::concat(folder, "/", name));
}

void reset_one_store(Engine& engine) {
  const storage::Store& store = engine.store();
  remove_containers(engine);
  {
    const storage::GcLock lock = store.lock_garbage();
    for (const std::string& id : storage::peek_container_ids(store))
      throw base::make_error(base::ErrorKind::in_use, "container ", id.substr(0, 12), " was made meanwhile")
          .with_hint("engine system reset again");
    for (const char* folder : emptied_folders) empty_folder(store, folder);
    for (const char* folder : {storage::layout::artifacts_folder, storage::layout::secrets_folder})
      if (base::exists(store.root(), folder)) empty_folder(store, folder);
    for (const std::string& folder : base::list_directory(store.root(), "blobs/sha256"))
      empty_folder(store, base::concat("blobs/sha256/", folder));
  }
  empty_trash(engine);
}

bool is_transient(const storage::Store& store) {
  return store.root_path() == store.run_path() + storage::transient_folder;
}

/// Containers of a store that lasts are somebody's work, and not what this reset was asked for.
void check_other_users(const Engine& engine, const storage::Store& images) {
  for (const storage::Store* user = images.container_store(); user != nullptr; user = user->container_store()) {
    if (user->root_path() == engine.config.root || is_transient(*user)) continue;
    if (storage::peek_container_ids(*user).empty()) continue;
    throw base::make_error(base::ErrorKind::in_use, "containers of the store ", base::quoted(user->root_path()),
                           " use the images of ", base::quoted(images.root_path()))
        .with_hint(base::concat("engine --root ", user->root_path(), " --imagestore ", images.root_path(),
                                " system reset   comes first"));
  }
}

/// Those made with --transient-store, which end with the images.
void reset_transient_users(Engine& engine, const storage::Store& images) {
  for (const storage::Store* user = images.container_store(); user != nullptr; user = user->container_store()) {
    if (!is_transient(*user) || user->root_path() == engine.config.root) continue;
    Config config = engine.config;
    config.root = user->root_path();
    config.image_store = images.root_path();
    Engine of_user{config, engine.host, engine.progress};
    reset_one_store(of_user);
  }
}

}  // namespace

void reset_system(Engine& engine) {
  std::optional<Engine> of_images;
  if (!engine.config.image_store.empty())
    of_images.emplace(config_for_images(engine.config), engine.host, engine.progress);
  Engine& images = of_images ? *of_images : engine;
  check_other_users(engine, images.store());
  reset_transient_users(engine, images.store());
  reset_one_store(engine);
  if (of_images) reset_one_store(*of_images);
}

}  // namespace engine
