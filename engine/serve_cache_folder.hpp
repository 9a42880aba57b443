#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "base/digest.hpp"
#include "base/fd.hpp"
#include "base/lock.hpp"

namespace engine {

/// What a pull-through cache keeps. The folder holds `blobs/<hex>`, manifests among them, `owners/<hex>/<hash>` for
/// each repository that is known to have a blob, `tags/<hash of the name>`, and `incoming/` for what is on its way;
/// `lock` is held as long as this lives. Used by several threads at once.
class CacheFolder {
 public:
  /// @param path       Absolute; made where it is not there.
  /// @param max_bytes  Of blobs and manifests together; what was not used for longest goes first. 0: no limit.
  /// @throws Error in_use, when another process uses it.
  CacheFolder(const std::string& path, std::uint64_t max_bytes);

  /// A blob by its repository: that another one has it is no reason to show it.
  std::optional<base::UniqueFd> open(const std::string& repository, const base::Digest& digest);
  /// Whether the bytes are here, whoever has them.
  bool has(const base::Digest& digest);
  /// From now on `repository` has it.
  void add_owner(const std::string& repository, const base::Digest& digest);
  bool is_owner(const std::string& repository, const base::Digest& digest) const;

  /// Nothing also when the bytes are damaged.
  std::optional<std::string> read_manifest(const base::Digest& digest);
  void keep_manifest(const base::Digest& digest, const std::string& bytes);

  std::optional<base::Digest> read_tag(const std::string& name) const;
  /// Not kept, when there are too many already.
  void keep_tag(const std::string& name, const base::Digest& digest);

  /// A blob on its way: its file, and room for it among the others until it is kept or given up.
  struct Incoming {
    std::string name;
    std::uint64_t size_bytes = 0;
    base::UniqueFd file;
  };
  /// Nothing while too much is on its way. @throws Error no_space, when it is larger than the whole cache.
  std::optional<Incoming> begin(std::uint64_t size_bytes);
  /// Verified bytes under their digest. Flushed.
  void keep(const Incoming& incoming, int fd, const base::Digest& digest);
  void give_up(const Incoming& incoming) noexcept;

 private:
  struct Kept {
    std::uint64_t size_bytes = 0;
    std::uint64_t used = 0;  ///< Counts up.
  };
  void look_around();
  bool make_room(std::uint64_t size_bytes);
  void note(const std::string& name, std::uint64_t size_bytes);

  std::uint64_t max_bytes_;
  base::UniqueFd folder_, incoming_, blobs_, owners_, tags_;
  std::optional<base::FileLock> lock_;
  mutable std::mutex mutex_;
  std::map<std::string, Kept> kept_;
  std::uint64_t kept_bytes_ = 0, coming_bytes_ = 0, clock_ = 0, names_ = 0;
  std::size_t tag_count_ = 0;
};

}  // namespace engine
