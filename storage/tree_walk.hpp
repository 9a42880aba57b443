#pragma once

#include <string>
#include <sys/stat.h>

namespace storage {

/// One entry of the source tree while two trees are walked in step.
struct TreeEntry {
  int source_dir;           ///< The directory that has it.
  int target_dir;           ///< The directory of the same path in the target tree.
  const std::string& name;  ///< One path component.
  const std::string& path;  ///< Of the directory, relative to the roots; empty for the roots.
  const struct stat& info;  ///< Of the entry itself (AT_SYMLINK_NOFOLLOW).
};

class TreeVisitor {
 public:
  virtual ~TreeVisitor() = default;
  /// Called for every entry, in alphabetical order. True for a directory whose content shall be visited: its
  /// counterpart must exist in the target by then.
  virtual bool visit(const TreeEntry& entry) = 0;
  /// Called for every visited directory, and for the roots, after their content.
  virtual void leave(int source_dir, int target_dir) = 0;
};

/// Walks two trees in step by descriptors, never following a link. However deep they are, few descriptors are open: the
/// way up goes through "..", checked against the inode it came from. Nobody may move directories in them meanwhile.
/// @throws Error corrupt, when a directory is not where it was left.
void walk_trees(int source_root, int target_root, TreeVisitor& visitor);

}  // namespace storage
