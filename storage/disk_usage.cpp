#include "storage/disk_usage.hpp"

#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "storage/tree_walk.hpp"

namespace storage {
namespace {

constexpr std::uint64_t block_bytes = 512;  // of st_blocks; stat(3type)

/// Of a merged tree: directories, and files that no layer has any more.
class OwnBlocks final : public TreeVisitor {
 public:
  bool visit(const TreeEntry& entry) override {
    const bool is_directory = S_ISDIR(entry.info.st_mode);
    if (is_directory || entry.info.st_nlink == 1)
      bytes += static_cast<std::uint64_t>(entry.info.st_blocks) * block_bytes;
    return is_directory;
  }
  void leave(int, int) override {}
  std::uint64_t bytes = 0;
};

}  // namespace

std::uint64_t measure(const Store& store, const std::string& path) {
  if (!path.starts_with("merged/")) return base::disk_usage(store.root(), path);
  OwnBlocks blocks;
  try {
    if (const auto dir = base::try_open_directory(store.root(), path)) walk_trees(dir->get(), dir->get(), blocks);
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::not_found) throw;  // not_found: it is being removed
  }
  return blocks.bytes;
}

}  // namespace storage
