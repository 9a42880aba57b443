#include "storage/tree_walk.hpp"

#include <fcntl.h>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/fs.hpp"

namespace storage {

namespace {

struct Identity {
  dev_t device = 0;
  ino_t inode = 0;
  bool operator==(const Identity&) const = default;
};

Identity identity_of(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) throw base::os_error("looking at a directory");
  return {info.st_dev, info.st_ino};
}

base::UniqueFd open_parent(int dir, const Identity& expected) {
  base::UniqueFd parent = base::open_directory(dir, "..");
  if (identity_of(parent.get()) != expected) {
    throw base::make_error(base::ErrorKind::corrupt, "a directory was moved while its tree was being copied");
  }
  return parent;
}

/// A directory that is being visited.
struct Level {
  std::vector<std::string> names;
  std::size_t next = 0;
  std::size_t parent_path_size = 0;
  Identity source;
  Identity target;
};

class Walk {
 public:
  Walk(int source_root, int target_root, TreeVisitor& visitor)
      : source_(base::open_directory(source_root, ".")),
        target_(base::open_directory(target_root, ".")),
        visitor_(visitor) {
    enter(0);
  }

  void run() {
    while (!levels_.empty()) {
      Level& level = levels_.back();
      if (level.next == level.names.size()) {
        leave();
      } else {
        visit(level.names[level.next++]);
      }
    }
  }

 private:
  void enter(std::size_t parent_path_size) {
    levels_.push_back({.names = base::list_directory(source_.get(), "."),
                       .next = 0,
                       .parent_path_size = parent_path_size,
                       .source = identity_of(source_.get()),
                       .target = identity_of(target_.get())});
  }

  void visit(const std::string& name) {
    struct stat info {};
    if (::fstatat(source_.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      throw base::os_error("looking at ", base::quoted(name), " in ", base::quoted(path_));
    }
    const TreeEntry entry{source_.get(), target_.get(), name, path_, info};
    if (!visitor_.visit(entry)) return;
    base::UniqueFd source = base::open_directory(source_.get(), name);
    base::UniqueFd target = base::open_directory(target_.get(), name);
    const std::size_t parent_path_size = path_.size();
    if (!path_.empty()) path_.push_back('/');
    path_ += name;
    source_ = std::move(source);
    target_ = std::move(target);
    enter(parent_path_size);
  }

  void leave() {
    visitor_.leave(source_.get(), target_.get());
    path_.resize(levels_.back().parent_path_size);
    levels_.pop_back();
    if (levels_.empty()) return;
    source_ = open_parent(source_.get(), levels_.back().source);
    target_ = open_parent(target_.get(), levels_.back().target);
  }

  base::UniqueFd source_;
  base::UniqueFd target_;
  TreeVisitor& visitor_;
  std::string path_;
  std::vector<Level> levels_;
};

}  // namespace

void walk_trees(int source_root, int target_root, TreeVisitor& visitor) {
  Walk{source_root, target_root, visitor}.run();
}

}  // namespace storage
