#include <map>
#include <tuple>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "engine/image_views.hpp"
#include "engine/images.hpp"
#include "storage/check_expected.hpp"
#include "storage/layers.hpp"
#include "storage/layout.hpp"

// image_diff of image_views.hpp: the owner manifests of the layers, put together as overlay would, and compared.

namespace engine {
namespace {

using storage::ExpectedTree;
using Type = storage::OwnerRecord::Type;

/// Every path of an image, without "/" in front.
class Paths {
 public:
  using Inodes = std::map<std::string, ExpectedTree::Inode, std::less<>>;

  void apply(ExpectedTree layer) {
    for (const auto& [path, entry] : layer.entries()) {
      const ExpectedTree::Inode& inode = layer.inode(entry);
      if (path.empty()) {
        if (inode.is_opaque) inodes_.clear();
        continue;
      }
      const auto below = inodes_.find(path);
      const bool stays = inode.type == Type::directory && !inode.is_opaque && below != inodes_.end() &&
                         below->second.type == Type::directory;
      if (!stays) erase_below(path);
      if (inode.type == Type::whiteout)
        inodes_.erase(path);
      else
        inodes_.insert_or_assign(path, inode);
    }
  }
  const Inodes& inodes() const noexcept { return inodes_; }

 private:
  void erase_below(const std::string& path) {
    inodes_.erase(inodes_.lower_bound(path + '/'), inodes_.lower_bound(path + static_cast<char>('/' + 1)));
  }
  Inodes inodes_;
};

Paths paths_of(const storage::Store& store, const std::vector<base::Digest>& chains, std::size_t count) {
  Paths paths;
  for (std::size_t index = 0; index < count; ++index) {
    const std::string path = storage::layout::layer(chains[index]) + "/owners";
    const auto fd = base::try_open_file(store.root_having(path), path);
    if (!fd)
      throw base::make_error(base::ErrorKind::corrupt, "layer ", chains[index].short_hex(), " is not in the store")
          .with_hint("engine system check --repair");
    paths.apply(ExpectedTree::read(fd->get()));
  }
  return paths;
}

auto what_counts(const ExpectedTree::Inode& inode) {
  // A directory has no size worth comparing.
  return std::tuple{inode.type,
                    inode.mode,
                    inode.uid,
                    inode.gid,
                    inode.type == Type::directory ? 0 : inode.size_bytes,
                    std::string_view{inode.sha256_hex},
                    std::string_view{inode.capabilities_hex},
                    std::string_view{inode.link}};
}

/// Puts the directories above `path` into the list, as docker and podman do.
void add_parents(std::map<std::string, ImageChange::Kind>& changes, const std::string& path,
                 const Paths::Inodes& earlier) {
  for (std::size_t slash = path.rfind('/'); slash != std::string::npos; slash = path.rfind('/', slash - 1)) {
    const std::string parent = path.substr(0, slash);
    if (earlier.contains(parent)) changes.emplace(parent, ImageChange::Kind::changed);
    if (slash == 0) return;
  }
}

std::map<std::string, ImageChange::Kind> compare(const Paths::Inodes& earlier, const Paths::Inodes& later) {
  std::map<std::string, ImageChange::Kind> changes;
  for (const auto& [path, inode] : later) {
    const auto before = earlier.find(path);
    if (before != earlier.end() && what_counts(before->second) == what_counts(inode)) continue;
    changes[path] = before == earlier.end() ? ImageChange::Kind::added : ImageChange::Kind::changed;
    add_parents(changes, path, earlier);
  }
  std::string gone;  // what was in a directory that is gone is not listed
  for (const auto& [path, inode] : earlier) {
    if (later.contains(path) || (!gone.empty() && path.starts_with(gone))) continue;
    changes[path] = ImageChange::Kind::deleted;
    if (inode.type == Type::directory) gone = path + '/';
    add_parents(changes, path, later);
  }
  return changes;
}

}  // namespace

std::vector<ImageChange> image_diff(Engine& engine, const std::string& name, const std::string& other) {
  const storage::Store& store = engine.store();
  const std::vector<base::Digest> chains = require_image(store, name).record.chain_ids;
  const std::vector<base::Digest> other_chains = other.empty() ? chains : require_image(store, other).record.chain_ids;
  const std::size_t other_count = !other.empty() ? other_chains.size() : chains.empty() ? 0 : chains.size() - 1;
  const Paths earlier = paths_of(store, other_chains, other_count);
  const Paths later = paths_of(store, chains, chains.size());
  std::vector<ImageChange> result;
  for (const auto& [path, kind] : compare(earlier.inodes(), later.inodes())) result.push_back({kind, "/" + path});
  return result;
}

}  // namespace engine
