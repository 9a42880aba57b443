#include "engine/remove_image.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "base/oci/reference.hpp"
#include "engine/abandoned.hpp"
#include "engine/events.hpp"
#include "engine/images.hpp"
#include "engine/trash.hpp"
#include "engine/verbs.hpp"
#include "storage/containers.hpp"
#include "storage/refs.hpp"

namespace engine {
namespace {

using base::ErrorKind;
using base::make_error;

/// Containers appear while nothing is locked; more rounds than this and somebody works against us.
constexpr int max_rounds = 10;

struct User {
  std::string id;
  std::string name;
  std::string store;  ///< Its root.
};

/// Of the image, whichever of its manifests they were made of.
std::vector<User> containers_using(const storage::Store& store, const storage::ImageRecord& image) {
  std::vector<User> users;
  if (store.container_store() != nullptr) users = containers_using(*store.container_store(), image);
  for (const std::string& id : storage::list_container_ids(store)) {
    const auto container = storage::open_container(store, id);
    if (!container) continue;
    try {
      const storage::ContainerRecord record = storage::read_record(*container);
      if (record.image_id == image.config.hex()) users.push_back({record.id, record.name, store.root_path()});
    } catch (const base::Error& error) {
      if (error.kind() != ErrorKind::not_found) throw;  // not_found: removed at this moment
    }
  }
  return users;
}

/// @param elsewhere  One of them in another store than that which `rmi -f` removes from; null: none.
base::Error in_use_error(const std::string& word, const std::vector<User>& users, const User* elsewhere) {
  const User& first = elsewhere ? *elsewhere : users.front();
  std::string others = users.size() == 1 ? "" : base::concat(" and ", users.size() - 1, " more");
  return make_error(ErrorKind::in_use, "image ", base::quoted(word), " is used by container ", base::quoted(first.name),
                    " (", first.id.substr(0, 12), ")", others)
      .with_hint(
          elsewhere ? base::concat("it is in another store: \"engine --root ", first.store, " rm -f ", first.name, "\"")
                    : base::concat("\"engine rmi -f ", word, "\" removes the container as well"));
}

/// The name that `word` meant; empty for an id and for a name with a digest.
std::string name_meant(const storage::Store& store, const std::string& word) {
  const std::optional<storage::ResolvedImage> image = storage::resolve_image(store, word);
  return image && image->name.find('@') == std::string::npos ? image->name : std::string{};
}

/// Of an image that still has a name by another manifest: those that nobody can name, and no container was made of.
void remove_needless_manifests(const storage::Store& store, const storage::GcLock& lock,
                               const storage::ImageRecord& image) {
  const std::vector<storage::NamedImage> manifests = storage::own_images_of(store, image.config);
  const auto has_names = [](const storage::NamedImage& one) { return !one.names.empty(); };
  if (std::all_of(manifests.begin(), manifests.end(), has_names) ||
      std::none_of(manifests.begin(), manifests.end(), has_names) || !containers_using(store, image).empty() ||
      storage::has_damaged_refs(store))  // one of them may have been a name of these
    return;
  for (const storage::NamedImage& one : manifests)
    if (one.names.empty()) storage::remove_image(store, lock, one.record);
}

/// One attempt under the exclusive lock. Returns the containers that are in the way.
std::vector<User> try_removal(Engine& engine, const std::string& word, const RemoveImageOptions& options,
                              RemovedImage& result) {
  const storage::Store& store = engine.store();
  const storage::GcLock lock = store.lock_garbage();
  std::optional<storage::NamedImage> image = storage::find_image(store, word);
  if (!image && (options.ignore || options.one_of_all)) return {};
  if (!image)
    static_cast<void>(oci::Reference::parse(word));  // what can be no name is another mistake, of another code
  if (!image) throw make_error(ErrorKind::not_found, word, ": image not known");
  if (image->read_only) throw read_only_error(word);
  const std::vector<storage::NamedImage> manifests = storage::own_images_of(store, image->record.config);
  image->names.clear();
  for (const storage::NamedImage& one : manifests)
    image->names.insert(image->names.end(), one.names.begin(), one.names.end());
  const ImageRemoval removal = plan_image_removal(*image, name_meant(store, word), options.force || options.one_of_all);
  if (removal.deletes) {
    std::vector<User> users = containers_using(store, image->record);
    if (!users.empty()) return users;
    for (const storage::NamedImage& one : manifests) storage::remove_image(store, lock, one.record);
    result.deleted.emplace_back(image->record.config.hex());
  } else {
    for (const std::string& name : removal.untag) storage::remove_ref(store, name);
    remove_needless_manifests(store, lock, image->record);
  }
  result.untagged.insert(result.untagged.end(), removal.untag.begin(), removal.untag.end());
  return {};
}

void remove_users(Engine& engine, const std::vector<User>& users) {
  RemoveOptions options;
  for (const User& user : users) options.containers.push_back(user.id);
  options.force = true;
  options.ignore = true;
  remove(engine, options);
}

/// True when there was one among them: the rest is looked for again.
bool remove_abandoned(Engine& engine, const std::vector<User>& users) {
  bool removed = false;
  for (const User& user : users)
    if (const auto container = storage::open_container(engine.store(), user.id))
      removed = remove_if_abandoned(engine, *container) || removed;
  return removed;
}

/// @param of_containers  The engine of the store that has the containers.
void remove_one(Engine& engine, Engine& of_containers, const std::string& word, const RemoveImageOptions& options,
                RemovedImage& result) {
  for (int round = 0; round < max_rounds; ++round) {
    const std::vector<User> users = try_removal(engine, word, options, result);
    if (users.empty()) return;
    if (remove_abandoned(of_containers, users)) continue;
    const auto elsewhere = std::find_if(
        users.begin(), users.end(), [&](const User& user) { return user.store != of_containers.store().root_path(); });
    if (!options.force || elsewhere != users.end())
      throw in_use_error(word, users, elsewhere == users.end() ? nullptr : &*elsewhere);
    remove_users(of_containers, users);
  }
  throw make_error(ErrorKind::in_use, "image ", base::quoted(word), " gets new containers all the time");
}

}  // namespace

ImageRemoval plan_image_removal(const storage::NamedImage& image, const std::string& found_name, bool force) {
  const bool by_name = std::find(image.names.begin(), image.names.end(), found_name) != image.names.end();
  if (by_name && image.names.size() > 1) return {.untag = {found_name}, .deletes = false};
  if (image.names.size() > 1 && !force) {
    throw make_error(ErrorKind::invalid_argument, "image ", image.record.config.short_hex(),
                     " has several names: ", base::join(image.names, ", "))
        .with_hint("name one of them, or use -f to remove them all");
  }
  return {.untag = image.names, .deletes = true};
}

std::vector<std::string> image_ids(Engine& engine) {
  std::vector<std::string> ids;
  for (const storage::NamedImage& image : storage::list_images(engine.store()))
    if (!image.read_only) ids.emplace_back(image.record.config.text());
  return ids;
}

RemovedImage remove_images(Engine& engine, const RemoveImageOptions& options) {
  RemovedImage result;
  std::optional<base::Error> failure;
  std::optional<Engine> elsewhere;
  if (!engine.config.container_store.empty())
    elsewhere.emplace(config_for_containers(engine.config), engine.host, engine.progress);
  for (const std::string& word : options.images) {
    try {
      remove_one(engine, elsewhere ? *elsewhere : engine, word, options, result);
    } catch (const base::Error& error) {  // the others shall go nevertheless; it is thrown below
      if (!failure) failure = error;
    }
  }
  for (const std::string& name : result.untagged) note_image_event(engine, "untag", "", name);
  for (const std::string& id : result.deleted) note_image_event(engine, "remove", id, id);
  if (!result.deleted.empty() || !result.untagged.empty()) empty_trash(engine);
  if (failure) throw std::move(*failure);
  return result;
}

}  // namespace engine
