#include "storage/prune.hpp"

#include <algorithm>
#include <fcntl.h>
#include <iterator>
#include <set>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "storage/layers.hpp"
#include "storage/layout.hpp"
#include "storage/partial_blobs.hpp"
#include "storage/refs.hpp"
#include "storage/staging.hpp"
#include "storage/trash.hpp"

namespace storage {

namespace {

void add_layer_garbage(const Store& store, const base::Digest& chain, Garbage& garbage) {
  if (!base::exists(store.root(), layout::layer(chain))) return;
  ++garbage.layers;
  try {
    if (const auto meta = read_layer_meta(store, chain)) garbage.content_bytes += meta->unpacked_bytes;
  } catch (const base::Error&) {  // damaged: it goes, how big it was is not known
  }
  garbage.paths.push_back(layout::layer(chain));
}

void add_blob_garbage(const Store& store, const base::Digest& digest, Garbage& garbage) {
  const std::string path = layout::blob(digest);
  struct stat info {};
  if (::fstatat(store.root(), path.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return;
    throw base::os_error("looking at blob ", digest);
  }
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

void flush_names(const Store& store, const std::string& folder) {
  base::flush(base::open_directory(store.root(), folder).get(), folder);
}

/// Temporary files of killed processes; who writes them holds the garbage lock shared, so none is in use.
void add_leftovers(const Store& store, const std::string& folder, Garbage& garbage) {
  for (const std::string& name : base::list_directory(store.root(), folder)) {
    if (name.front() == '.') garbage.paths.push_back(base::concat(folder, "/", name));
  }
}

}  // namespace

Garbage find_garbage(const Store& store, const GcLock& lock, const Forgotten& forgotten) {
  Garbage garbage = subtract(store, find_all_objects(store), find_reachable(store, forgotten));
  add_leftovers(store, "images", garbage);
  add_leftovers(store, "refs", garbage);
  for (const std::string& folder : base::list_directory(store.root(), "blobs/sha256")) {
    add_leftovers(store, base::concat("blobs/sha256/", folder), garbage);
  }
  for (std::string& path : idle_partials(store, lock, {})) garbage.paths.push_back(std::move(path));
  return garbage;
}

void move_garbage(const Store& store, const GcLock&, const Garbage& garbage) {
  // Power loss may not bring back what kept them while they stay lost.
  if (!garbage.paths.empty())
    for (const char* folder : {"images", "containers"}) flush_names(store, folder);
  std::set<std::string> parents;
  for (const std::string& path : garbage.paths) {
    move_to_trash(store, path);
    if (path.starts_with("layers/") || path.starts_with("merged/")) parents.insert(path.substr(0, path.rfind('/')));
  }
  // Nor may it bring back a tree whose files were deleted meanwhile: a pull would take it for whole.
  for (const std::string& parent : parents) flush_names(store, parent);
}

void forget_image(const Store& store, const GcLock&, const base::Digest& manifest) {
  auto refs = refs_by_manifest(store);
  const std::vector<std::string>& names = refs[std::string{manifest.hex()}];
  for (const std::string& name : names) remove_ref(store, name);
  if (!names.empty()) flush_names(store, "refs");
  base::unlink_file(store.root(), layout::image(manifest));
}

void remove_image(const Store& store, const GcLock& lock, const ImageRecord& record) {
  Objects candidates;
  add_image_objects(store, record, candidates);
  forget_image(store, lock, record.manifest);
  move_garbage(store, lock, subtract(store, candidates, find_reachable(store)));
}

void remove_unneeded(const Store& store, const GcLock& lock, const base::Digest& manifest) {
  Objects candidates;
  add_manifest_objects(store, manifest, candidates);
  move_garbage(store, lock, subtract(store, candidates, find_reachable(store)));
}

Garbage find_kept_blobs(const Store& store, const GcLock&) {
  std::set<base::Digest> needed = find_small_blobs(store);
  for (const base::Digest& kept : kept_by_staging(store)) needed.insert(kept);
  Garbage garbage;
  for (const base::Digest& blob : without(find_reachable(store).blobs, needed)) add_blob_garbage(store, blob, garbage);
  return garbage;
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
