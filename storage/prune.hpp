#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/images.hpp"
#include "storage/prune_reachable.hpp"
#include "storage/store.hpp"

// What may be deleted: computed first, from image records, containers' records and the lists that living staging
// folders keep; then renamed to trash, still under the exclusive lock. Deleting comes after it (empty_trash). Nobody
// can begin to use an object meanwhile, because its user takes the shared lock first.

namespace storage {

struct Garbage {
  std::vector<std::string> paths;  ///< Relative to the store root, in the order in which they are moved.
  std::uint64_t layers = 0;
  std::uint64_t blobs = 0;
  std::uint64_t content_bytes = 0;  ///< As the layers' records and the blobs' sizes say.
};

/// Every layer, merged tree and blob that nothing reaches. Reads names and records only, never content.
/// @throws Error, when a record cannot be read: what it keeps is not known then.
/// `forgotten`: as if these were gone already.
Garbage find_garbage(const Store& store, const GcLock& lock, const Forgotten& forgotten = {});
void move_garbage(const Store& store, const GcLock& lock, const Garbage& garbage);

/// Removes the record and all names of an image, and nothing else: what only it reached is garbage then.
void forget_image(const Store& store, const GcLock& lock, const base::Digest& manifest);

/// The compressed layers of all images and containers, which only `push`, `save` and another id variant need; what a
/// What hangs below a manifest that no name stands for any more: moved to the trash where nothing else needs it.
void remove_unneeded(const Store& store, const GcLock& lock, const base::Digest& manifest);
/// living staging folder keeps is left out.
Garbage find_kept_blobs(const Store& store, const GcLock& lock);

/// Removes what killed processes left of containers they were making, unless somebody is making one now.
void remove_unborn_containers(const Store& store);

}  // namespace storage
