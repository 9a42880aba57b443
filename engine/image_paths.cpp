#include "engine/image_paths.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "storage/layers.hpp"
#include "storage/layout.hpp"

namespace engine {
namespace {

using storage::ExpectedTree;
using Kind = ImageChange::Kind;
using Type = storage::OwnerRecord::Type;

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

void add_parents(std::map<std::string, Kind>& changes, const std::string& path, const ImagePaths::Inodes& earlier) {
  for (std::size_t slash = path.rfind('/'); slash != std::string::npos; slash = path.rfind('/', slash - 1)) {
    const std::string parent = path.substr(0, slash);
    if (earlier.contains(parent)) changes.emplace(parent, Kind::changed);
    if (slash == 0) return;
  }
}

}  // namespace

ImagePaths ImagePaths::read(const storage::Store& store, const std::vector<base::Digest>& chains, std::size_t count) {
  ImagePaths paths;
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

void ImagePaths::apply(ExpectedTree layer) {
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

void ImagePaths::apply(const std::vector<ImageChange>& changes) {
  for (const ImageChange& change : changes) {
    const std::string path = change.path.substr(1);
    const auto known = inodes_.find(path);
    if (change.kind == Kind::deleted) {
      erase_below(path);
      inodes_.erase(path);
    } else if (known == inodes_.end() || known->second.type != Type::directory) {
      inodes_.insert_or_assign(path, ExpectedTree::Inode{.type = Type::file, .sha256_hex = "changed"});
    }
  }
}

void ImagePaths::erase_below(const std::string& path) {
  inodes_.erase(inodes_.lower_bound(path + '/'), inodes_.lower_bound(path + static_cast<char>('/' + 1)));
}

std::vector<ImageChange> compare_paths(const ImagePaths::Inodes& earlier, const ImagePaths::Inodes& later) {
  std::map<std::string, Kind> changes;
  for (const auto& [path, inode] : later) {
    const auto before = earlier.find(path);
    if (before != earlier.end() && what_counts(before->second) == what_counts(inode)) continue;
    changes[path] = before == earlier.end() ? Kind::added : Kind::changed;
    add_parents(changes, path, earlier);
  }
  std::string gone;  // what was in a directory that is gone is not listed
  for (const auto& [path, inode] : earlier) {
    if (later.contains(path) || (!gone.empty() && path.starts_with(gone))) continue;
    changes[path] = Kind::deleted;
    if (inode.type == Type::directory) gone = path + '/';
    add_parents(changes, path, later);
  }
  std::vector<ImageChange> result;
  for (const auto& [path, kind] : changes)
    if (!is_made_by_runtimes("/" + path)) result.push_back({kind, "/" + path});
  return result;
}

bool is_made_by_runtimes(std::string_view path) {
  constexpr std::array<std::string_view, 11> paths = {
      "/dev",         "/etc/hostname", "/etc/hosts",  "/etc/resolv.conf",
      "/proc",        "/run",          "/run/notify", "/run/.containerenv",
      "/run/secrets", "/sys",          "/etc/mtab"};
  return std::find(paths.begin(), paths.end(), path) != paths.end();
}

}  // namespace engine
