#include "storage/trash.hpp"

#include <cstdio>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "storage/staging.hpp"

namespace storage {

std::string move_to_trash(const Store& store, const std::string& path) {
  std::string trashed = base::concat("trash/", base::random_hex(8));
  if (::renameat(store.root(), path.c_str(), store.root(), trashed.c_str()) == 0) return trashed;
  if (errno == ENOENT) return {};
  if (errno != ENOSPC && errno != EDQUOT) throw base::os_error("moving ", base::quoted(path), " to the trash");
  base::remove_tree(store.root(), path);
  return {};
}

bool delete_trashed(const Store& store, const std::string& trashed) {
  if (trashed.empty()) return true;
  try {
    base::remove_tree(store.root(), trashed);
    return true;
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::permission) throw;
    return false;
  }
}

void discard(const Store& store, const std::string& path) {
  delete_trashed(store, move_to_trash(store, path));
}

bool empty_trash(const Store& store) {
  bool is_empty = remove_stale_staging(store);
  for (const std::string& name : base::list_directory(store.root(), "trash")) {
    is_empty = delete_trashed(store, base::concat("trash/", name)) && is_empty;
  }
  return is_empty;
}

}  // namespace storage
