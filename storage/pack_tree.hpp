#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <sys/stat.h>

#include "base/stream.hpp"

namespace storage {

struct PackOptions {
  /// Times without parts of a second, as archives of images have them; else what the file system says.
  bool whole_seconds = false;
  /// Whether an entry is packed, and, of a directory, what is in it. Empty: all are. `path` is relative to the root.
  std::function<bool(const std::string& path, const struct stat& info)> is_wanted = nullptr;
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

}  // namespace storage
