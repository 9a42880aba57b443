#include "storage/merged_tree.hpp"

#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "storage/copy_attributes.hpp"
#include "storage/copy_tree.hpp"
#include "storage/tree_walk.hpp"

namespace storage {

namespace {

std::optional<struct stat> look_at(int dir, const std::string& name) {
  struct stat info {};
  if (::fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) return info;
  if (errno == ENOENT) return std::nullopt;
  throw base::os_error("looking at ", base::quoted(name));
}

void make_target_directory(int dir, const std::string& name) {
  if (::mkdirat(dir, name.c_str(), 0700) != 0) throw base::os_error("making the directory ", base::quoted(name));
}

/// Puts one layer on top of what the layers below it made.
class LayerOnTop final : public TreeVisitor {
 public:
  explicit LayerOnTop(bool may_link) : may_link_(may_link) {}

  bool visit(const TreeEntry& entry) override {
    const std::optional<struct stat> below = look_at(entry.target_dir, entry.name);
    if (S_ISDIR(entry.info.st_mode)) {
      visit_directory(entry, below);
      return true;
    }
    if (below) base::remove_tree(entry.target_dir, entry.name);
    if (!is_whiteout(entry.info)) link(entry);
    return false;
  }

  void leave(int source_dir, int target_dir) override {
    struct stat info {};
    if (::fstat(source_dir, &info) != 0) throw base::os_error("looking at a directory of a layer");
    copy_attributes(source_dir, target_dir, info);
  }

 private:
  static void visit_directory(const TreeEntry& entry, const std::optional<struct stat>& below) {
    if (below && S_ISDIR(below->st_mode) && !is_opaque(base::open_directory(entry.source_dir, entry.name).get()))
      return;
    if (below) base::remove_tree(entry.target_dir, entry.name);
    make_target_directory(entry.target_dir, entry.name);
  }

  void link(const TreeEntry& entry) const {
    if (may_link_) {
      if (::linkat(entry.source_dir, entry.name.c_str(), entry.target_dir, entry.name.c_str(), 0) == 0) return;
      // Too many links, or links to foreign files forbidden (fs.protected_hardlinks): a copy shows the same.
      if (errno != EMLINK && errno != EPERM) throw base::os_error("linking ", base::quoted(entry.name));
    }
    copy_entry(entry);
  }

  bool may_link_;
};

void remove_content(int dir) {
  for (const std::string& name : base::list_directory(dir, ".")) base::remove_tree(dir, name);
}

}  // namespace

void merge_layers(const std::vector<base::UniqueFd>& layers, int target, bool may_link) {
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    const base::UniqueFd source = base::open_directory(layer->get(), ".");
    if (is_opaque(source.get())) remove_content(target);
    LayerOnTop visitor{may_link};
    walk_trees(source.get(), target, visitor);
  }
}

}  // namespace storage
