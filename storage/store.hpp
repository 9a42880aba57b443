#pragma once

#include <optional>
#include <string>

#include "base/digest.hpp"
#include "base/fd.hpp"
#include "base/lock.hpp"

namespace storage {

/// The order in which locks are taken (ARCHITECTURE.md section 5); `alive` is outside of it.
namespace lock_rank {
inline constexpr int digest = 1, garbage = 2, volume = 3, container = 4, names = 5, staging = 6;
}

/// Proof that garbage collection is held off (locks/gc, shared): taken from "image resolved" until the container's or
/// image's record is published.
class [[nodiscard]] GcHold {
  friend class Store;
  explicit GcHold(base::FileLock lock) : lock_(std::move(lock)) {}
  base::FileLock lock_;
};

/// Proof of the exclusive right to mark and move garbage (locks/gc, exclusive).
class [[nodiscard]] GcLock {
  friend class Store;
  explicit GcLock(base::FileLock lock) : lock_(std::move(lock)) {}
  base::FileLock lock_;
};

/// The store of one user: descriptors of its folders and its locks; no verbs of its own.
class Store {
 public:
  /// Opens, or makes, the store at `root` and the run folder at `run` (both absolute). Refuses a root that is not ours,
  /// that others may write, whose format is unknown, or that holds containers/storage files (with a hint).
  static Store open(const std::string& root, const std::string& run);

  int root() const noexcept { return root_.get(); }
  int run() const noexcept { return run_.get(); }
  const std::string& root_path() const noexcept { return root_path_; }
  const std::string& run_path() const noexcept { return run_path_; }

  GcHold hold_garbage() const;
  GcLock lock_garbage() const;
  /// The stripe of one digest; held while that digest is pulled.
  base::FileLock lock_digest(const base::Digest& digest) const;

 private:
  std::string root_path_;
  std::string run_path_;
  base::UniqueFd root_;
  base::UniqueFd run_;
};

}  // namespace storage
