#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "storage/images.hpp"
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
Garbage find_garbage(const Store& store, const GcLock& lock);
void move_garbage(const Store& store, const GcLock& lock, const Garbage& garbage);

/// Removes what killed processes left of containers they were making, unless somebody is making one now.
void remove_unborn_containers(const Store& store);

}  // namespace storage
