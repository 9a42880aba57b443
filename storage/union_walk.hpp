#pragma once

#include <optional>
#include <string>
#include <sys/stat.h>
#include <vector>

#include "base/fd.hpp"

namespace storage {

/// One entry of what an overlay of several trees shows.
struct UnionEntry {
  int dir;                   ///< The directory of the tree that has it.
  const std::string& name;   ///< One path component.
  const std::string& path;   ///< Of the entry, relative to the roots: "etc/passwd".
  const struct stat& info;   ///< Of the entry itself (AT_SYMLINK_NOFOLLOW).
  bool is_whiteout = false;  ///< Only where the uppermost tree is walked: it hides what is below.
  bool is_opaque = false;    ///< Only there: a directory that hides what the trees below have at its path.
  /// Only there: what the trees below show at this path.
  std::optional<struct stat> below = std::nullopt;
};

class UnionVisitor {
 public:
  virtual ~UnionVisitor() = default;
  /// Called for every entry, in alphabetical order. True for a directory whose content shall be visited.
  virtual bool visit(const UnionEntry& entry) = 0;
};

enum class UnionScope {
  everything,  ///< What the overlay shows; whiteouts and opaque directories are applied.
  uppermost,   ///< Only what the uppermost tree has, its whiteouts too.
};

/// Deeper than any path that the kernel takes in one piece (PATH_MAX).
inline constexpr std::size_t max_union_depth = 2048;

/// Walks trees that lie upon each other, without mounting them, by descriptors and following no link. The uppermost may
/// change meanwhile: what vanishes is passed over. Marks are those of overlay with "userxattr" and of fuse-overlayfs.
/// @param layers  Directories, the uppermost first.
/// @throws Error corrupt, when a tree is deeper than max_union_depth.
/// Source: Linux Documentation/filesystems/overlayfs.rst; fuse-overlayfs(1).
void walk_union(const std::vector<base::UniqueFd>& layers, UnionScope scope, UnionVisitor& visitor);

}  // namespace storage
