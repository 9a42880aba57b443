#pragma once

#include <memory>
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
  std::optional<base::FileLock> image_store_;
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

/// Where a store and what belongs to it lie; all paths are absolute.
struct StorePlaces {
  std::string root;
  std::string run;
  std::vector<std::string> shared;  ///< Stores whose images are to be seen as well.
  /// Another store of ours that has the images: made when it is absent, read like a shared one, but its garbage
  /// collection is held off, too.
  std::string image_store;
  /// The other way round: the store whose containers use the images of this one. Empty, or absent: none.
  std::string container_store;
};

/// The store of one user: descriptors of its folders and its locks; no verbs of its own.
class Store {
 public:
  /// Opens, or makes, the store at `root` and the run folder at `run` (both absolute). Refuses a root that is not ours,
  /// that others may write, whose format is unknown, or that holds containers/storage files (with a hint).
  /// @param shared  Absolute paths of stores whose images are to be seen as well. One that cannot be used is warned of
  ///                and passed over: without it everything else still works.
  static Store open(const StorePlaces& places);
  static Store open(const std::string& root, const std::string& run, const std::vector<std::string>& shared = {}) {
    return open(StorePlaces{.root = root, .run = run, .shared = shared, .image_store = {}, .container_store = {}});
  }

  int root() const noexcept { return root_.get(); }
  const std::vector<SharedStore>& shared() const noexcept { return shared_; }
  /// A store whose containers use images of this one (StorePlaces::container_store, image_users.hpp); it has the next
  /// one, and so on. Null: no more.
  const Store* container_store() const noexcept { return container_store_.get(); }
  /// Where something immutable is to be read: our own root when it has `path` or nobody has, else the first shared
  /// store's that has it.
  int root_having(const std::string& path) const;
  int run() const noexcept { return run_.get(); }
  const std::string& root_path() const noexcept { return root_path_; }
  const std::string& run_path() const noexcept { return run_path_; }

  GcHold hold_garbage() const;
  /// @throws Error in_use, when another store began to use our images since this one was opened.
  GcLock lock_garbage() const;
  /// The stripe of one digest; held while that digest is pulled.
  base::FileLock lock_digest(const base::Digest& digest) const;

 private:
  static Store open_one(const std::string& root, const std::string& run);
  void open_users(const std::string& container_store);
  bool is_user(const std::string& root) const;

  std::string root_path_;
  std::string run_path_;
  base::UniqueFd root_;
  base::UniqueFd run_;
  std::vector<SharedStore> shared_;
  std::unique_ptr<Store> image_store_;
  std::unique_ptr<Store> container_store_;
};

}  // namespace storage
