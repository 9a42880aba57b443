#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "storage/owners.hpp"

namespace storage {

/// What the tree of a layer must look like when all records of its owner manifest were applied.
class ExpectedTree {
 public:
  struct Inode {
    OwnerRecord::Type type = OwnerRecord::Type::directory;  ///< file, directory, symlink, fifo or whiteout.
    mode_t mode = 0;
    std::uint32_t uid = 0;
    std::uint32_t gid = 0;
    std::uint64_t size_bytes = 0;
    std::string sha256_hex{};
    std::string capabilities_hex{};
    std::string link{};      ///< Where a symbolic link points.
    bool is_opaque = false;  ///< Directories only.
    ino_t seen_as = 0;       ///< Noted while a real tree is compared; 0: not met yet.
  };
  struct Entry {
    std::size_t inode = 0;  ///< Names that are hard links share it.
    bool was_found = false;
  };

  /// Reads the whole manifest. @throws Error corrupt.
  static ExpectedTree read(int owners_fd);

  /// "" is the root. Nullptr when the layer has no such path.
  Entry* find(std::string_view path);
  Inode& inode(const Entry& entry) { return inodes_[entry.inode]; }
  /// Alphabetical, so that directories come before what is in them.
  const std::map<std::string, Entry, std::less<>>& entries() const noexcept { return entries_; }

 private:
  ExpectedTree();
  void apply(OwnerRecord record);
  void erase_below(const std::string& path);
  void put_new(const std::string& path, Inode inode);

  std::vector<Inode> inodes_;
  std::map<std::string, Entry, std::less<>> entries_;
};

}  // namespace storage
