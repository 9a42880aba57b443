#include "engine/volumes.hpp"

#include <algorithm>
#include <sys/mount.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/mount.hpp"
#include "base/text.hpp"
#include "engine/events.hpp"
#include "engine/inside.hpp"
#include "engine/selection.hpp"
#include "engine/trash.hpp"
#include "engine/verbs.hpp"
#include "engine/volume_filters.hpp"
#include "engine/volume_options.hpp"
#include "storage/containers.hpp"
#include "storage/layout.hpp"
#include "storage/trash.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

using Pairs = std::vector<std::pair<std::string, std::string>>;

/// Sorted by key, as Go prints maps; a later word replaces an earlier one.
Pairs pairs_of(const std::vector<std::string>& words) {
  Pairs pairs;
  for (const std::string& word : words) {
    const auto split = base::split_once(word, '=');
    const std::string key{split ? split->first : std::string_view{word}};
    std::erase_if(pairs, [&](const auto& pair) { return pair.first == key; });
    pairs.emplace_back(key, split ? split->second : std::string_view{});
  }
  std::sort(pairs.begin(), pairs.end());
  return pairs;
}

template <class Visit>
void for_each_record(const storage::Store& store, const Visit& visit) {
  for (const std::string& id : storage::list_container_ids(store)) {
    const auto container = storage::open_container(store, id);
    if (!container) continue;
    std::optional<storage::ContainerRecord> record;
    try {
      record = storage::read_record(*container);
    } catch (const base::Error& error) {
      if (error.kind() != ErrorKind::not_found) throw;  // not_found: removed at this moment
    }
    if (record) visit(*record);
  }
}

base::Error no_such_volume(const std::string& name) {
  return make_error(ErrorKind::not_found, "no such volume ", quoted(name));
}

storage::Volume require_volume(Engine& engine, const std::string& text) {
  const std::string name = find_volume_name(engine, text);
  auto volume = storage::find_volume(engine.store(), name);
  if (!volume) throw no_such_volume(text);
  return std::move(*volume);
}

/// Nothing while a container uses it, whose ids are returned.
std::vector<std::string> remove_unused(Engine& engine, const std::string& name) {
  const storage::Store& store = engine.store();
  // Who makes a container with a volume holds it shared until the container is there.
  const storage::GcLock lock = store.lock_garbage();
  std::vector<std::string> users = users_of_volume(store, name);
  if (!users.empty()) return users;
  const base::FileLock volume_lock = storage::lock_volume(store, name);
  if (!storage::find_volume(store, name)) throw no_such_volume(name);
  storage::move_to_trash(store, storage::layout::volume(name));
  return {};
}

void require_unshare(const Engine& engine, std::string_view verb) {
  if (engine.host.uid == 0) return;
  throw make_error(ErrorKind::unsupported, "engine volume ", verb, " works inside engine unshare only")
      .with_hint(base::concat("engine unshare engine volume ", verb, " NAME"));
}

}  // namespace

std::string create_volume(Engine& engine, const VolumeCreateOptions& options) {
  const storage::VolumeWords words{.labels = pairs_of(options.labels), .options = pairs_of(options.options)};
  const VolumeMeaning meaning = parse_volume_options(words.options);
  const std::string name = options.name.empty() ? base::random_hex(32) : options.name;
  if (!storage::create_volume(engine.store(), name, words)) {
    if (options.ignore) return name;
    throw make_error(ErrorKind::already_exists, "volume with name ", name, " already exists: volume already exists")
        .with_hint("--ignore accepts the one that is there");
  }
  note_volume_event(engine, "create", name);
  if (meaning.kind == VolumeMeaning::Kind::folder && (meaning.uid || meaning.gid))
    run_inside(engine,
               {"own-volume", name, base::concat(meaning.uid.value_or(0)), base::concat(meaning.gid.value_or(0))});
  return name;
}

std::vector<VolumeSummary> volumes(Engine& engine, const std::vector<std::string>& filters) {
  const VolumeFilters wanted(filters, base::now());
  std::set<std::string> used;
  for_each_record(engine.store(), [&](const storage::ContainerRecord& record) {
    used.insert(record.named_volumes.begin(), record.named_volumes.end());
    used.insert(record.anonymous_volumes.begin(), record.anonymous_volumes.end());
  });
  std::vector<VolumeSummary> result;
  for (storage::Volume& volume : storage::list_volumes(engine.store())) {
    VolumeSummary summary{.name = volume.name,
                          .created = base::parse_rfc3339(volume.created),
                          .anonymous = volume.anonymous,
                          .in_use = used.count(volume.name) != 0,
                          .words = std::move(volume.words)};
    if (wanted.match(summary)) result.push_back(std::move(summary));
  }
  return result;
}

bool volume_exists(Engine& engine, const std::string& name) {
  return storage::find_volume(engine.store(), name).has_value();
}

std::string find_volume_name(Engine& engine, const std::string& text) {
  if (storage::find_volume(engine.store(), text)) return text;
  std::vector<std::string> names;
  for (const storage::Volume& volume : storage::list_volumes(engine.store()))
    if (!text.empty() && volume.name.starts_with(text)) names.push_back(volume.name);
  if (names.empty()) throw no_such_volume(text);
  if (names.size() == 1) return names.front();
  throw make_error(ErrorKind::invalid_argument, "more than one volume begins with ", quoted(text))
      .with_hint(base::concat("they are ", base::join(names, ", ")));
}

std::vector<std::string> users_of_volume(const storage::Store& store, const std::string& name) {
  std::vector<std::string> ids;
  for_each_record(store, [&](const storage::ContainerRecord& record) {
    for (const auto* list : {&record.named_volumes, &record.anonymous_volumes})
      if (std::find(list->begin(), list->end(), name) != list->end()) {
        ids.push_back(record.id);
        return;
      }
  });
  return ids;
}

void remove_volume(Engine& engine, const std::string& name, bool force) {
  constexpr int max_attempts = 16;  // each further one means that another container began to use it meanwhile
  std::vector<std::string> users = remove_unused(engine, name);
  for (int attempt = 0; !users.empty() && force && attempt < max_attempts; ++attempt) {
    remove(engine, {.containers = users, .force = true, .ignore = true, .volumes = true});
    users = storage::find_volume(engine.store(), name) ? remove_unused(engine, name) : std::vector<std::string>{};
  }
  if (!users.empty())
    throw make_error(ErrorKind::in_use, "volume ", name,
                     " is being used by the following container(s): ", base::join(users, ", "),
                     ": volume is being used")
        .with_hint(base::concat("engine volume rm --force ", name, " removes the containers, too"));
  note_volume_event(engine, "remove", name);
  empty_trash(engine);
}

std::string mount_volume(Engine& engine, const std::string& text) {
  require_unshare(engine, "mount");
  const storage::Volume volume = require_volume(engine, text);
  const VolumeMeaning meaning = parse_volume_options(volume.words.options);
  if (meaning.kind == VolumeMeaning::Kind::tmpfs)
    base::mount_path("tmpfs", volume.data_path, "tmpfs", 0, base::join(meaning.mount_options, ","));
  if (meaning.kind == VolumeMeaning::Kind::bind)
    base::mount_path(meaning.device, volume.data_path, "", MS_BIND | MS_REC, "");
  return volume.data_path;
}

void unmount_volume(Engine& engine, const std::string& text) {
  require_unshare(engine, "unmount");
  const storage::Volume volume = require_volume(engine, text);
  if (parse_volume_options(volume.words.options).kind != VolumeMeaning::Kind::folder)
    base::unmount(volume.data_path, UMOUNT_NOFOLLOW | MNT_DETACH);  // we have it open ourselves
}

}  // namespace engine
