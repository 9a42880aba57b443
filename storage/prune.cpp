#include "storage/prune.hpp"

#include <algorithm>
#include <fcntl.h>
#include <iterator>
#include <set>
#include <sys/stat.h>
#include <variant>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/oci/manifest.hpp"
#include "storage/blobs.hpp"
#include "storage/containers.hpp"
#include "storage/layers.hpp"
#include "storage/layout.hpp"
#include "storage/refs.hpp"
#include "storage/staging.hpp"

namespace storage {

namespace {

struct Objects {
  std::set<base::Digest> layers;  ///< Chain ids.
  std::set<base::Digest> blobs;
};

void add_layer(const Store& store, const base::Digest& chain, Objects& objects) {
  if (!objects.layers.insert(chain).second) return;
  if (const auto meta = read_layer_meta(store, chain)) objects.blobs.insert(meta->blob);
}

/// The manifest names the image's own compressed layers, which another image may hold compressed in another way.
void add_manifest(const Store& store, const base::Digest& digest, Objects& objects) {
  objects.blobs.insert(digest);
  if (!has_blob(store, digest)) return;
  try {
    const auto parsed =
        oci::parse_manifest(read_blob(store, digest, oci::max_manifest_bytes), "", base::concat("manifest ", digest));
    const auto* manifest = std::get_if<oci::Manifest>(&parsed);
    if (manifest == nullptr) return;
    objects.blobs.insert(manifest->config.digest);
    for (const oci::Descriptor& layer : manifest->layers) objects.blobs.insert(layer.digest);
  } catch (const base::Error& error) {  // a damaged image must be pulled again in any case; removing has to work
    base::log(base::LogLevel::warn, error.message());
  }
}

void add_image(const Store& store, const ImageRecord& record, Objects& objects) {
  objects.blobs.insert(record.config);
  if (record.index) objects.blobs.insert(*record.index);
  for (const base::Digest& chain : record.chain_ids) add_layer(store, chain, objects);
  add_manifest(store, record.manifest, objects);
}

void add_container(const Store& store, const ContainerRecord& record, Objects& objects) {
  for (const std::string& chain : record.chain_ids) add_layer(store, base::Digest::parse(chain), objects);
  if (!record.manifest.empty()) add_manifest(store, base::Digest::parse(record.manifest), objects);
  if (!record.image_id.empty()) objects.blobs.insert(base::Digest::from_hex(record.image_id));
}

Objects find_reachable(const Store& store) {
  Objects objects;
  for (const std::string& file : base::list_directory(store.root(), "images")) {
    if (!layout::is_hex_digest(file)) continue;
    if (const auto image = read_image(store, base::Digest::from_hex(file))) add_image(store, *image, objects);
  }
  for (const std::string& id : list_container_ids(store)) {
    const auto container = open_container(store, id);
    if (!container) continue;
    try {
      add_container(store, read_record(*container), objects);
    } catch (const base::Error& error) {
      if (error.kind() != base::ErrorKind::not_found) throw;  // not_found: removed at this moment
    }
  }
  for (const base::Digest& kept : kept_by_staging(store)) {
    objects.blobs.insert(kept);
    add_layer(store, kept, objects);
  }
  return objects;
}

std::optional<base::Digest> chain_of_merged(const std::string& name) {
  const std::string hex = name.substr(0, name.find('-'));
  if (!layout::is_hex_digest(hex)) return std::nullopt;
  return base::Digest::from_hex(hex);
}

Objects find_all(const Store& store) {
  Objects objects;
  for (const std::string& name : base::list_directory(store.root(), "layers")) {
    if (layout::is_hex_digest(name)) objects.layers.insert(base::Digest::from_hex(name));
  }
  for (const std::string& folder : base::list_directory(store.root(), "blobs/sha256")) {
    for (const std::string& name : base::list_directory(store.root(), base::concat("blobs/sha256/", folder))) {
      if (layout::is_hex_digest(name)) objects.blobs.insert(base::Digest::from_hex(name));
    }
  }
  for (const std::string& name : base::list_directory(store.root(), "merged")) {
    if (const auto chain = chain_of_merged(name)) objects.layers.insert(*chain);
  }
  return objects;
}

/// merged/<chain>-<variant> by chain.
std::vector<std::string> merged_trees_of(const Store& store, const std::set<base::Digest>& chains) {
  std::vector<std::string> paths;
  for (const std::string& name : base::list_directory(store.root(), "merged")) {
    const auto chain = chain_of_merged(name);
    if (chain && chains.count(*chain) != 0) paths.push_back(base::concat("merged/", name));
  }
  return paths;
}

void add_layer_garbage(const Store& store, const base::Digest& chain, Garbage& garbage) {
  if (!base::exists(store.root(), layout::layer(chain))) return;
  ++garbage.layers;
  if (const auto meta = read_layer_meta(store, chain)) garbage.content_bytes += meta->unpacked_bytes;
  garbage.paths.push_back(layout::layer(chain));
}

void add_blob_garbage(const Store& store, const base::Digest& digest, Garbage& garbage) {
  const std::string path = layout::blob(digest);
  struct stat info {};
  if (::fstatat(store.root(), path.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return;
  ++garbage.blobs;
  garbage.content_bytes += static_cast<std::uint64_t>(info.st_size);
  garbage.paths.push_back(path);
}

std::set<base::Digest> without(const std::set<base::Digest>& all, const std::set<base::Digest>& reachable) {
  std::set<base::Digest> rest;
  std::set_difference(all.begin(), all.end(), reachable.begin(), reachable.end(), std::inserter(rest, rest.end()));
  return rest;
}

Garbage subtract(const Store& store, const Objects& candidates, const Objects& reachable) {
  Garbage garbage;
  const std::set<base::Digest> chains = without(candidates.layers, reachable.layers);
  garbage.paths = merged_trees_of(store, chains);
  for (const base::Digest& chain : chains) add_layer_garbage(store, chain, garbage);
  for (const base::Digest& blob : without(candidates.blobs, reachable.blobs)) add_blob_garbage(store, blob, garbage);
  return garbage;
}

/// Temporary files of killed processes; who writes them holds the garbage lock shared, so none is in use.
void add_leftovers(const Store& store, const std::string& folder, Garbage& garbage) {
  for (const std::string& name : base::list_directory(store.root(), folder)) {
    if (name.front() == '.') garbage.paths.push_back(base::concat(folder, "/", name));
  }
}

}  // namespace

Garbage find_garbage(const Store& store, const GcLock&) {
  Garbage garbage = subtract(store, find_all(store), find_reachable(store));
  add_leftovers(store, "images", garbage);
  add_leftovers(store, "refs", garbage);
  for (const std::string& folder : base::list_directory(store.root(), "blobs/sha256")) {
    add_leftovers(store, base::concat("blobs/sha256/", folder), garbage);
  }
  return garbage;
}

void move_garbage(const Store& store, const GcLock&, const Garbage& garbage) {
  for (const std::string& path : garbage.paths) move_to_trash(store, path);
}

void remove_image(const Store& store, const GcLock& lock, const ImageRecord& record) {
  Objects candidates;
  add_image(store, record, candidates);
  auto refs = refs_by_manifest(store);
  for (const std::string& name : refs[std::string{record.manifest.hex()}]) remove_ref(store, name);
  base::unlink_file(store.root(), layout::image(record.manifest));
  move_garbage(store, lock, subtract(store, candidates, find_reachable(store)));
}

void remove_unborn_containers(const Store& store) {
  // Makers hold the garbage lock shared, so with the exclusive one in hand every such folder is a dead one's. Not
  // waited for: the caller may hold it shared itself.
  const auto lock = base::FileLock::try_acquire(store.root(), "locks/gc", base::FileLock::Mode::exclusive);
  if (!lock) return;
  for (const std::string& name : base::list_directory(store.root(), "containers")) {
    if (name.rfind(".new-", 0) == 0) base::remove_tree(store.root(), base::concat("containers/", name));
  }
}

}  // namespace storage
