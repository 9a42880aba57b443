#pragma once

#include <optional>
#include <string>
#include <vector>

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

/// A store that is only read: opened without a lock, and never written to. Several users may share it.
struct SharedStore {
  std::string path;
  base::UniqueFd root;
};

/// The store of one user: descriptors of its folders and its locks; no verbs of its own.
class Store {
 public:
  /// Opens, or makes, the store at `root` and the run folder at `run` (both absolute). Refuses a root that is not ours,
  /// that others may write, whose format is unknown, or that holds containers/storage files (with a hint).
  /// @param shared  Absolute paths of stores whose images are to be seen as well. One that cannot be used is warned of
  ///                and passed over: without it everything else still works.
  static Store open(const std::string& root, const std::string& run, const std::vector<std::string>& shared = {});

  int root() const noexcept { return root_.get(); }
  const std::vector<SharedStore>& shared() const noexcept { return shared_; }
  /// Where something immutable is to be read: our own root when it has `path` or nobody has, else the first shared
  /// store's that has it.
  int root_having(const std::string& path) const;
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
  std::vector<SharedStore> shared_;
};

}  // namespace storage
