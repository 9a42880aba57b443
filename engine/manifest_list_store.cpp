#include "engine/manifest_list_store.hpp"

#include <variant>

#include "base/error.hpp"
#include "base/oci/manifest.hpp"
#include "engine/images.hpp"
#include "engine/trash.hpp"
#include "storage/blobs.hpp"
#include "storage/refs.hpp"
#include "storage/staging.hpp"

namespace engine {
namespace {

std::string read_index(const storage::Store& store, const storage::ImageRecord& record) {
  return storage::read_blob(store, record.manifest, oci::max_manifest_bytes);
}

StoredList read_list(const storage::Store& store, storage::ResolvedImage image) {
  ManifestList list =
      parse_manifest_list(read_index(store, image.record), base::concat("list ", image.record.manifest));
  read_list_config(storage::read_blob(store, image.record.config, oci::max_config_bytes), list);
  return {std::move(image.name), std::move(image.record), std::move(list)};
}

/// The names that shall follow a change: the one that was typed, or all, when it was an id.
std::vector<std::string> names_to_move(const storage::Store& store, const StoredList& list) {
  if (!list.name.empty() && list.name.find('@') == std::string::npos) return {list.name};
  return storage::refs_by_manifest(store)[std::string{list.record.manifest.hex()}];
}

void remove_nameless(Engine& engine, const storage::ImageRecord& old, const storage::ImageRecord& changed) {
  if (old.manifest == changed.manifest) return;
  const storage::Store& store = engine.store();
  {
    const storage::GcLock lock = store.lock_garbage();
    if (!storage::refs_by_manifest(store)[std::string{old.manifest.hex()}].empty()) return;
    if (!storage::is_own_image(store, old.manifest)) return;
    storage::remove_image(store, lock, old);
  }
  empty_trash(engine);
}

/// Nothing, when somebody else changed the list before its lock was ours.
std::optional<storage::ImageRecord> try_change(Engine& engine, const std::string& typed,
                                               const std::function<void(ManifestList&)>& change) {
  const storage::Store& store = engine.store();
  const base::Digest expected = require_manifest_list(store, typed).record.manifest;
  const base::FileLock stripe = store.lock_digest(expected);
  StoredList found = require_manifest_list(store, typed);
  if (found.record.manifest != expected) return std::nullopt;
  change(found.list);
  const std::vector<std::string> names = names_to_move(store, found);
  storage::ImageRecord changed = put_manifest_list(store, found.list, names.empty() ? std::string{} : names.front());
  const storage::GcHold hold = store.hold_garbage();
  for (const std::string& name : names) storage::set_ref(store, hold, name, changed.manifest);
  return changed;
}

}  // namespace

bool is_manifest_list(const storage::Store& store, const storage::ImageRecord& record) {
  if (!record.chain_ids.empty()) return false;
  return std::holds_alternative<oci::Index>(
      oci::parse_manifest(read_index(store, record), "", base::concat("manifest ", record.manifest)));
}

std::optional<StoredList> find_manifest_list(const storage::Store& store, const std::string& typed) {
  auto image = storage::resolve_image(store, typed);
  return image ? as_manifest_list(store, std::move(*image)) : std::nullopt;
}

std::optional<StoredList> as_manifest_list(const storage::Store& store, storage::ResolvedImage image) {
  if (!is_manifest_list(store, image.record)) return std::nullopt;
  return read_list(store, std::move(image));
}

StoredList require_manifest_list(const storage::Store& store, const std::string& typed) {
  auto image = storage::resolve_image(store, typed);
  if (!image)
    throw base::make_error(base::ErrorKind::not_found, typed, ": image not known")
        .with_hint(base::concat("engine manifest create ", typed));
  if (!is_manifest_list(store, image->record))
    throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(typed), " is an image, not a manifest list");
  return read_list(store, std::move(*image));
}

storage::ImageRecord put_manifest_list(const storage::Store& store, const ManifestList& list, const std::string& name) {
  const std::string index = render_index(list);
  const std::string config = render_list_config(list);
  if (index.size() > oci::max_manifest_bytes)
    throw base::make_error(base::ErrorKind::invalid_argument, "the list would have ", index.size(),
                           " bytes; registries take ", oci::max_manifest_bytes);
  const storage::ImageRecord record{.manifest = base::sha256(index),
                                    .config = base::sha256(config),
                                    .index = std::nullopt,
                                    .chain_ids = {},
                                    .size_bytes = index.size(),
                                    .created = list.created};
  const storage::Staging staging = storage::Staging::begin(store);
  staging.keep(store.hold_garbage(), {record.manifest, record.config});
  storage::put_blob(store, record.config, config);
  storage::put_blob(store, record.manifest, index);
  const storage::GcHold hold = store.hold_garbage();
  storage::put_image(store, hold, record);
  if (!name.empty()) storage::set_ref(store, hold, name, record.manifest);
  staging.let_go(hold);
  return record;
}

std::string change_manifest_list(Engine& engine, const std::string& typed,
                                 const std::function<void(ManifestList&)>& change) {
  while (true) {
    const storage::ImageRecord old = require_manifest_list(engine.store(), typed).record;
    const std::optional<storage::ImageRecord> changed = try_change(engine, typed, change);
    if (!changed) continue;
    remove_nameless(engine, old, *changed);
    return std::string{changed->config.hex()};
  }
}

const ListInstance& choose_instance(const ManifestList& list, const std::string& platform) {
  std::vector<std::optional<oci::Platform>> offered;
  for (const ListInstance& instance : list.instances) {
    const bool is_known = !instance.os.empty() || !instance.architecture.empty();
    offered.push_back(is_known ? std::optional{oci::Platform{instance.os, instance.architecture, instance.variant}}
                               : std::nullopt);
  }
  const oci::Platform wanted = platform.empty() ? oci::host_platform() : oci::parse_platform(platform);
  const auto chosen = oci::choose_platform(offered, wanted);
  if (!chosen)
    throw base::make_error(base::ErrorKind::not_found, "the list has no image for the platform ", wanted.to_string());
  return list.instances[*chosen];
}

std::optional<storage::ImageRecord> choose_stored_instance(const storage::Store& store,
                                                           const storage::ImageRecord& list,
                                                           const std::string& platform) {
  const ManifestList parsed = parse_manifest_list(read_index(store, list), base::concat("list ", list.manifest));
  return storage::read_image(store, choose_instance(parsed, platform).digest);
}

}  // namespace engine
