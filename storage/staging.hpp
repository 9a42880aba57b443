#pragma once

#include <string>
#include <vector>

#include "base/digest.hpp"
#include "base/fd.hpp"
#include "base/lock.hpp"
#include "storage/store.hpp"
#include "storage/trash.hpp"

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
  /// Says which chain ids and blobs in the store this work counts on, so that garbage collection keeps them as long as
  /// it goes on. Look whether they are there after this call, still under the hold. Replaces an earlier list.
  void keep(const GcHold& hold, const std::vector<base::Digest>& digests) const;
  /// Ends that. Under the hold that recorded what keeps them from now on: a removal finds the one or the other, or
  /// none, and then nothing is left behind.
  void let_go(const GcHold& hold) const;

 private:
  Staging(const Store& store, std::string name, base::UniqueFd dir, base::FileLock lock)
      : store_(&store), name_(std::move(name)), dir_(std::move(dir)), lock_(std::move(lock)) {}
  const Store* store_;
  std::string name_;
  base::UniqueFd dir_;
  base::FileLock lock_;
};

/// What the staging folders of living processes keep.
std::vector<base::Digest> kept_by_staging(const Store& store);
/// False when some of it must be deleted inside the user namespace.
bool remove_stale_staging(const Store& store);

}  // namespace storage
