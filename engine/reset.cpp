#include <utility>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "engine/trash.hpp"
#include "engine/upkeep.hpp"
#include "engine/verbs.hpp"
#include "storage/artifact_names.hpp"
#include "storage/layout.hpp"
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

}  // namespace

void reset_system(Engine& engine) {
  if (const storage::Store* users = engine.store().container_store()) {  // made with --transient-store
    Config config = engine.config;
    config.image_store = std::exchange(config.root, users->root_path());
    Engine of_users{config, engine.host, engine.progress};
    reset_one_store(of_users);
  }
  reset_one_store(engine);
  if (engine.config.image_store.empty()) return;
  Engine of_images{config_for_images(engine.config), engine.host, engine.progress};
  reset_one_store(of_images);
}

}  // namespace engine
