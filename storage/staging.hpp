#pragma once

#include <string>

#include "base/fd.hpp"
#include "base/lock.hpp"
#include "storage/store.hpp"

namespace storage {

/// Work in progress: staging/<random>/ with its .lock held. Removed on destruction (what it published was renamed out).
/// A staging folder whose lock is free is stale; every Staging::begin removes the stale ones it can.
class Staging {
 public:
  static Staging begin(const Store& store);
  Staging(Staging&&) = default;
  ~Staging();
  int dir() const noexcept { return dir_.get(); }
  const std::string& name() const noexcept { return name_; }
  /// One syncfs: everything in it survives power loss before anything is published.
  void flush() const;

 private:
  Staging(const Store& store, std::string name, base::UniqueFd dir, base::FileLock lock)
      : store_(&store), name_(std::move(name)), dir_(std::move(dir)), lock_(std::move(lock)) {}
  const Store* store_;
  std::string name_;
  base::UniqueFd dir_;
  base::FileLock lock_;
};

/// Renames `path` (relative to the store root) into trash/ and deletes it there as far as this process may; what belongs
/// to subordinate ids stays in trash until empty_trash runs inside the user namespace.
void discard(const Store& store, const std::string& path);
/// Deletes all of trash/ and stale staging. Returns whether all could be deleted.
bool empty_trash(const Store& store);

}  // namespace storage
