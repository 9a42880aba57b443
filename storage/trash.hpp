#pragma once

#include <string>

#include "storage/store.hpp"

namespace storage {

/// Renames `path` (relative to the store root) to trash/<random>, which is as good as deleted, and returns that path;
/// empty when there was nothing. Deletes in place where the disk is too full to rename.
std::string move_to_trash(const Store& store, const std::string& path);
/// Deletes what move_to_trash returned. False when some of it belongs to ids that this process cannot act for; that
/// stays until empty_trash runs inside the user namespace.
bool delete_trashed(const Store& store, const std::string& trashed);

/// Both of the above.
void discard(const Store& store, const std::string& path);
/// Deletes all of trash/ and stale staging. Returns whether all could be deleted.
bool empty_trash(const Store& store);

}  // namespace storage
