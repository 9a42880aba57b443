#include "storage/union_walk.hpp"

#include <fcntl.h>
#include <map>
#include <memory>
#include <sys/resource.h>
#include <sys/xattr.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/text.hpp"
#include "storage/copy_attributes.hpp"

namespace storage {
namespace {

constexpr const char* fuse_opaque_file = ".wh..wh..opq";
constexpr const char* fuse_opaque_device = ".wh..opq";  // a whiteout of this name

bool has_mark(int dir, const char* name) {
  char value = 0;
  return ::fgetxattr(dir, name, &value, 1) == 1 && value == 'y';
}

bool hides_all_below(int dir) {
  struct stat info {};
  if (is_opaque(dir) || has_mark(dir, "user.fuseoverlayfs.opaque") ||
      ::fstatat(dir, fuse_opaque_file, &info, AT_SYMLINK_NOFOLLOW) == 0)
    return true;
  return ::fstatat(dir, fuse_opaque_device, &info, AT_SYMLINK_NOFOLLOW) == 0 && is_whiteout(info);
}

/// Nothing when it is not there, or not any more.
std::optional<struct stat> look_at(int dir, const std::string& name) {
  struct stat info {};
  if (::fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) return info;
  if (errno == ENOENT) return std::nullopt;
  throw base::os_error("looking at ", base::quoted(name));
}

base::UniqueFd try_open_directory(int dir, const std::string& name) {
  base::UniqueFd fd{::openat(dir, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
    throw base::os_error("opening ", base::quoted(name));
  return fd;
}

/// As many descriptors as we may have: a deep tree needs one for each of its levels and layers.
void raise_descriptor_limit() {
  struct rlimit limit {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// A directory that is being visited: the same path in each of the layers that are seen there, uppermost first.
struct Level {
  std::vector<base::UniqueFd> dirs;
  std::map<std::string, std::size_t> names;  ///< And the uppermost of `dirs` that has it.
  std::map<std::string, std::size_t>::const_iterator next;
  std::size_t parent_path_size = 0;
};

class Walk {
 public:
  Walk(const std::vector<base::UniqueFd>& layers, UnionScope scope, UnionVisitor& visitor)
      : scope_(scope), visitor_(visitor) {
    std::vector<base::UniqueFd> roots;
    for (const base::UniqueFd& layer : layers) {
      roots.push_back(base::open_directory(layer.get(), "."));
      if (hides_all_below(roots.back().get())) break;
    }
    enter(std::move(roots), 0);
  }

  void run() {
    while (!levels_.empty()) {
      Level& level = *levels_.back();
      if (level.next != level.names.end()) {
        const auto& [name, layer] = *level.next++;
        visit(level, name, layer);
        continue;
      }
      path_.resize(level.parent_path_size);
      levels_.pop_back();
    }
  }

 private:
  void enter(std::vector<base::UniqueFd> dirs, std::size_t parent_path_size) {
    if (levels_.size() == max_union_depth)
      throw base::make_error(base::ErrorKind::corrupt, "the tree is deeper than ", max_union_depth, " directories");
    auto level = std::make_unique<Level>();
    const std::size_t listed = scope_ == UnionScope::uppermost ? 1 : dirs.size();
    for (std::size_t index = 0; index < listed; ++index)
      for (std::string& name : base::list_directory(dirs[index].get(), "."))
        if (name != fuse_opaque_file) level->names.emplace(std::move(name), index);
    level->dirs = std::move(dirs);
    level->next = level->names.cbegin();
    level->parent_path_size = parent_path_size;
    levels_.push_back(std::move(level));
  }

  void visit(const Level& level, const std::string& name, std::size_t layer) {
    const int dir = level.dirs[layer].get();
    const std::optional<struct stat> info = look_at(dir, name);
    if (!info) return;
    const bool upper_only = scope_ == UnionScope::uppermost;
    if (is_whiteout(*info) && (!upper_only || name == fuse_opaque_device)) return;
    const std::size_t parent_path_size = path_.size();
    if (!path_.empty()) path_.push_back('/');
    path_ += name;
    UnionEntry entry{.dir = dir, .name = name, .path = path_, .info = *info};
    std::vector<base::UniqueFd> dirs;
    if (S_ISDIR(info->st_mode)) dirs = open_directories(level, name, layer, entry.is_opaque);
    entry.is_opaque = entry.is_opaque && upper_only;
    if (upper_only) {
      entry.is_whiteout = is_whiteout(*info);
      entry.below = look_below(level, name);
    }
    if (visitor_.visit(entry) && !dirs.empty())
      enter(std::move(dirs), parent_path_size);
    else
      path_.resize(parent_path_size);
  }

  /// This directory and those below that merge with it; empty when it is none any more.
  static std::vector<base::UniqueFd> open_directories(const Level& level, const std::string& name, std::size_t layer,
                                                      bool& is_opaque_here) {
    std::vector<base::UniqueFd> dirs;
    for (std::size_t index = layer; index < level.dirs.size(); ++index) {
      if (index > layer) {
        const std::optional<struct stat> info = look_at(level.dirs[index].get(), name);
        if (!info) continue;
        if (!S_ISDIR(info->st_mode)) break;
      }
      base::UniqueFd dir = try_open_directory(level.dirs[index].get(), name);
      if (!dir) break;
      const bool hides = hides_all_below(dir.get());
      if (index == layer) is_opaque_here = hides && index == 0;
      dirs.push_back(std::move(dir));
      if (hides) break;
    }
    return dirs;
  }

  static std::optional<struct stat> look_below(const Level& level, const std::string& name) {
    for (std::size_t index = 1; index < level.dirs.size(); ++index) {
      const std::optional<struct stat> info = look_at(level.dirs[index].get(), name);
      if (info) return is_whiteout(*info) ? std::nullopt : info;
    }
    return std::nullopt;
  }

  UnionScope scope_;
  UnionVisitor& visitor_;
  std::string path_;
  std::vector<std::unique_ptr<Level>> levels_;  // by pointer, for its iterator
};

}  // namespace

void walk_union(const std::vector<base::UniqueFd>& layers, UnionScope scope, UnionVisitor& visitor) {
  raise_descriptor_limit();
  Walk{layers, scope, visitor}.run();
}

}  // namespace storage
