#include "storage/prune.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "engine/abandoned.hpp"
#include "engine/dependents.hpp"
#include "engine/events.hpp"
#include "engine/inside_store.hpp"
#include "engine/prune_filters.hpp"
#include "engine/reconcile.hpp"
#include "engine/trash.hpp"
#include "engine/upkeep.hpp"
#include "engine/verbs.hpp"
#include "storage/containers.hpp"
#include "storage/damage.hpp"
#include "storage/layout.hpp"
#include "storage/refs.hpp"
#include "storage/trash.hpp"
#include "storage/volumes.hpp"

// Pruning: what is not used is computed under the exclusive garbage lock, by the same rules for a dry run, and moved to
// the trash there; measuring and deleting come after it.

namespace engine {
namespace {

/// One folder open at a time: there may be more containers than descriptors.
template <class Visit>
void for_each_container(const storage::Store& store, const Visit& visit) {
  for (const std::string& id : storage::list_container_ids(store))
    if (const auto container = storage::open_container(store, id)) visit(*container);
}

const std::vector<std::string> container_keys{"label", "label!", "until"};
const std::vector<std::string> image_keys{"label", "label!", "until", "dangling"};

std::uint64_t measure(Engine& engine, const std::vector<std::string>& paths) {
  std::uint64_t total = 0;
  for (const auto& [path, bytes] : measure_inside(engine, paths)) total += bytes;
  return total;
}

/// Measures what lies in the trash and deletes it.
std::uint64_t delete_trash(Engine& engine) {
  const std::uint64_t bytes = measure(engine, {"trash/*"});
  empty_trash(engine);
  return bytes;
}

// ---- containers

/// Those whose record is damaged stay: whether a filter means them is not known, and "engine rm --force" removes them.
std::vector<std::string> stopped_containers(Engine& engine, const PruneFilters& filters, bool dry_run) {
  std::vector<std::string> ids;
  for_each_container(engine.store(), [&](const storage::ContainerDir& container) {
    try {
      const storage::ContainerRecord record = storage::read_record(container);
      const std::string status = observe(container, engine.host.boot_id).state.status;
      const bool is_stopped = status == "exited" || status == "created";
      if (is_stopped && filters.match(base::parse_rfc3339(record.created), record.labels)) ids.push_back(record.id);
    } catch (const base::Error& error) {
      if (!storage::is_damage(error)) throw;
      if (error.kind() != base::ErrorKind::not_found)
        base::log(base::LogLevel::warn, "container ", container.id.substr(0, 12), " is left: ", error.message());
      else if (!dry_run)
        remove_if_abandoned(engine, container);  // what power loss left; else it was removed while we looked
    }
  });
  return ids;
}

/// False when it was started or removed meanwhile.
bool remove_stopped_container(Engine& engine, const std::string& id) {
  RemoveOptions options;
  options.containers = {id};
  options.ignore = true;
  try {
    return !remove(engine, options).empty();
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::in_use) throw;
    base::log(base::LogLevel::info, error.message());
    return false;
  }
}

void prune_containers_into(PruneReport& report, Engine& engine, const PruneOptions& options) {
  const PruneFilters filters = parse_prune_filters(options.filters, container_keys);
  const std::vector<std::string> ids = stopped_containers(engine, filters, options.dry_run);
  std::vector<std::string> paths;
  for (const std::string& id : ids) paths.push_back(storage::layout::container(id));
  const std::map<std::string, std::uint64_t> bytes = measure_inside(engine, paths);
  for (const std::string& id : dependents_first(engine, ids)) {
    if (!options.dry_run && is_needed(engine, id)) continue;  // by one that runs or is to stay
    if (!options.dry_run && !remove_stopped_container(engine, id)) continue;
    report.containers.push_back(id);
    report.reclaimed_bytes += bytes.at(storage::layout::container(id));
  }
}

// ---- volumes

/// @throws Error when one cannot be read: what it uses is not known then, and everything has to stay.
template <class Visit>
void for_each_record(const storage::Store& store, const Visit& visit) {
  if (store.container_store() != nullptr) for_each_record(*store.container_store(), visit);
  for_each_container(store, [&](const storage::ContainerDir& container) {
    std::optional<storage::ContainerRecord> record;
    try {
      record = storage::read_record(container);
    } catch (const base::Error& error) {
      if (error.kind() != base::ErrorKind::not_found) throw;  // not_found: removed at this moment
    }
    if (record) visit(*record);
  });
}

std::set<std::string> volumes_in_use(const storage::Store& store, const std::set<std::string>& without_containers) {
  std::set<std::string> names;
  for_each_record(store, [&](const storage::ContainerRecord& record) {
    if (without_containers.count(record.id) != 0) return;
    names.insert(record.named_volumes.begin(), record.named_volumes.end());
    names.insert(record.anonymous_volumes.begin(), record.anonymous_volumes.end());
  });
  return names;
}

std::vector<std::string> find_unused_volumes(const storage::Store& store, const PruneFilters& filters,
                                             const std::set<std::string>& without_containers) {
  const std::set<std::string> used = volumes_in_use(store, without_containers);
  std::vector<std::string> unused;
  for (const storage::Volume& volume : storage::list_volumes(store))
    if (used.count(volume.name) == 0 && filters.match(base::parse_rfc3339(volume.created), volume.words.labels))
      unused.push_back(volume.name);
  return unused;
}

void prune_volumes_into(PruneReport& report, Engine& engine, const PruneOptions& options) {
  const PruneFilters filters = parse_prune_filters(options.filters, container_keys);
  const storage::Store& store = engine.store();
  std::vector<std::string> paths;
  {
    // Who makes a container with a volume holds it shared from before the volume is made until the container is there.
    const storage::GcLock lock = store.lock_garbage();
    const std::set<std::string> gone{report.containers.begin(), report.containers.end()};
    report.volumes = find_unused_volumes(store, filters, gone);
    for (const std::string& name : report.volumes) {
      const std::string path = storage::layout::volume(name);
      if (options.dry_run) {
        paths.push_back(path);
        continue;
      }
      const base::FileLock volume_lock = storage::lock_volume(store, name);
      storage::move_to_trash(store, path);
      note_volume_event(engine, "prune", name);
    }
    // Power loss may not bring back a part of what is deleted after this.
    if (!options.dry_run && !report.volumes.empty())
      base::flush(base::open_directory(store.root(), "volumes").get(), "the folder of volumes");
  }
  report.reclaimed_bytes += options.dry_run ? measure(engine, paths) : delete_trash(engine);
}

// ---- images

bool is_wanted(const storage::Store& store, const storage::NamedImage& image, const PruneOptions& options,
               const PruneFilters& filters) {
  const bool is_dangling = image.names.empty();
  if (filters.dangling ? *filters.dangling != is_dangling : !options.all && !is_dangling) return false;
  PruneFilters::Labels labels;
  if (!filters.labels.empty() || !filters.without_labels.empty())
    labels = storage::read_image_config(store, image.record).labels;
  return filters.match(base::parse_rfc3339(image.record.created), labels);
}

/// An image without names may have had the name that is damaged now; only who removes all that is unused means it, too.
void keep_what_lost_names_may_mean(const storage::Store& store, std::vector<storage::NamedImage>& images) {
  const auto has_no_name = [](const storage::NamedImage& image) { return image.names.empty(); };
  if (std::none_of(images.begin(), images.end(), has_no_name) || !storage::has_damaged_refs(store)) return;
  base::log(base::LogLevel::warn, "images without a name are kept, since a damaged name may be that of one of them: ",
            "\"engine system check\" tells more");
  std::erase_if(images, has_no_name);
}

std::vector<storage::NamedImage> unused_images(const storage::Store& store, const PruneOptions& options,
                                               const PruneFilters& filters,
                                               const std::set<std::string>& without_containers) {
  std::set<std::string> used;
  for_each_record(store, [&](const storage::ContainerRecord& record) {
    if (without_containers.count(record.id) == 0) used.insert(record.image_id);
  });
  std::vector<storage::NamedImage> images = storage::list_images(store);
  std::erase_if(images, [&](const storage::NamedImage& image) {
    return image.read_only || used.count(std::string{image.record.config.hex()}) != 0 ||
           !is_wanted(store, image, options, filters);
  });
  if (!options.all) keep_what_lost_names_may_mean(store, images);
  return images;
}

/// Images that are gone when these manifests are: an image may have come with several.
std::vector<std::string> ids_without(const storage::Store& store, const std::set<base::Digest>& gone) {
  std::vector<storage::NamedImage> images = storage::list_images(store);
  std::erase_if(images, [](const storage::NamedImage& image) { return image.read_only; });
  std::set<base::Digest> kept;
  for (const storage::NamedImage& image : images)
    if (gone.count(image.record.manifest) == 0) kept.insert(image.record.config);
  std::vector<std::string> ids;
  for (const storage::NamedImage& image : images)
    if (kept.insert(image.record.config).second) ids.emplace_back(image.record.config.hex());
  return ids;
}

void prune_images_into(PruneReport& report, Engine& engine, const PruneOptions& options) {
  const PruneFilters filters = parse_prune_filters(options.filters, image_keys);
  const storage::Store& store = engine.store();
  std::vector<std::string> paths;
  {
    const storage::GcLock lock = store.lock_garbage();
    storage::Forgotten gone;
    if (options.dry_run) gone.containers = {report.containers.begin(), report.containers.end()};
    // Beside a store of images, what this one has of them is only read.
    if (engine.config.image_store.empty())
      for (const storage::NamedImage& image : unused_images(store, options, filters, gone.containers))
        gone.images.insert(image.record.manifest);
    for (std::string& id : ids_without(store, gone.images)) report.images.push_back(std::move(id));
    storage::Garbage garbage = storage::find_garbage(store, lock, gone);
    const std::set<std::string> whole{garbage.paths.begin(), garbage.paths.end()};
    for (std::string& variant : storage::unused_variants(store, gone))
      if (whole.count(variant.substr(0, variant.rfind('/'))) == 0 && whole.count(variant) == 0)
        garbage.paths.push_back(std::move(variant));
    paths = garbage.paths;
    if (!options.dry_run) {
      for (const base::Digest& manifest : gone.images) storage::forget_image(store, lock, manifest);
      storage::move_garbage(store, lock, garbage);
    }
  }
  report.reclaimed_bytes += options.dry_run ? measure(engine, paths) : delete_trash(engine);
}

void prune_blobs_into(PruneReport& report, Engine& engine, const PruneOptions& options) {
  const storage::Store& store = engine.store();
  storage::Garbage garbage;
  {
    const storage::GcLock lock = store.lock_garbage();
    garbage = storage::find_kept_blobs(store, lock);
    if (!options.dry_run) storage::move_garbage(store, lock, garbage);
  }
  report.blobs = garbage.blobs;
  report.reclaimed_bytes += options.dry_run ? measure(engine, garbage.paths) : delete_trash(engine);
}

}  // namespace

PruneReport prune_containers(Engine& engine, const PruneOptions& options) {
  PruneReport report;
  prune_containers_into(report, engine, options);
  return report;
}

PruneReport prune_images(Engine& engine, const PruneOptions& options) {
  PruneReport report;
  prune_images_into(report, engine, options);
  return report;
}

PruneReport prune_volumes(Engine& engine, const PruneOptions& options) {
  PruneReport report;
  prune_volumes_into(report, engine, options);
  return report;
}

PruneReport prune_system(Engine& engine, const PruneOptions& options) {
  PruneReport report;
  prune_containers_into(report, engine, options);
  if (options.volumes) prune_volumes_into(report, engine, options);
  prune_images_into(report, engine, options);
  if (!engine.config.image_store.empty()) {
    Engine of_images{config_for_images(engine.config), engine.host, engine.progress};
    prune_images_into(report, of_images, options);
    if (options.blobs) prune_blobs_into(report, of_images, options);
  } else if (options.blobs) {
    prune_blobs_into(report, engine, options);
  }
  return report;
}

std::vector<std::string> unused_volumes(Engine& engine, const PruneOptions& options) {
  return find_unused_volumes(engine.store(), parse_prune_filters(options.filters, container_keys), {});
}

}  // namespace engine
