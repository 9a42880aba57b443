#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <sys/stat.h>
#include <vector>

#include "base/fd.hpp"
#include "base/stream.hpp"
#include "storage/pack_tar.hpp"
#include "storage/union_walk.hpp"

namespace storage {

struct PackOptions {
  /// Times without parts of a second, as archives of images have them; else what the file system says.
  bool whole_seconds = false;
  /// Whether an entry is packed, and, of a directory, what is in it. Empty: all are. `path` is relative to the root.
  std::function<bool(const std::string& path, const struct stat& info)> is_wanted = nullptr;
  /// Changes an entry before it is written: other owners, for example. Its path is that of the archive.
  std::function<void(tar::PackedEntry& entry)> adjust = nullptr;
  bool with_root = true;  ///< An entry "./" for the root itself.
  bool is_live = false;   ///< What vanishes or becomes something else meanwhile is left out; else it is an error.
};

struct PackResult {
  std::uint64_t entries = 0;
  std::uint64_t skipped_sockets = 0;  ///< No archive can hold them.
};

/// Writes the tree below the directory `root` as a tar: the root as "./", then everything in alphabetical order, each
/// directory before its content, so that the same tree gives the same bytes. By descriptors, following no link and
/// crossing no mount. Owners are those that this process sees, xattrs those it may read (user.*, file capabilities,
/// ACLs), except marks of overlay; files with holes stay so; a further name of one file is a hard link.
/// A file that changes meanwhile is packed as long as it was found to be: cut, or filled with zeros.
/// @throws Error when something cannot be read.
PackResult pack_tree(int root, base::Sink& sink, const PackOptions& options = {});

/// The same of what trees that lie upon each other show (union_walk.hpp), the uppermost first; or, of the uppermost one
/// alone, a layer of an image, in which whiteouts and opaque directories are the entries that OCI has for them.
/// Source: OCI image-spec layer.md "Whiteouts".
/// @param deleted  More paths that get a whiteout, at the end; for trees that have no whiteouts of their own.
PackResult pack_union(const std::vector<base::UniqueFd>& layers, UnionScope scope, base::Sink& sink,
                      const PackOptions& options, const std::vector<std::string>& deleted = {});

}  // namespace storage
