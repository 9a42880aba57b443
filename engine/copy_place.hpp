#pragma once

#include <string>
#include <sys/stat.h>

#include "base/fd.hpp"

namespace engine {

/// What a path of cp is, inside of a root: the container's, or the host's.
struct CopyPlace {
  enum class Kind : char { missing = '-', directory = 'd', other = 'f' };
  Kind kind = Kind::missing;
  base::UniqueFd dir;  ///< Of a directory: itself; else where `name` is, or would be. Empty: not even that is there.
  std::string name;    ///< Behind all links; empty for the root.
};

/// Follows links, the last one too, always inside of `root` and by descriptors. Opens directories only.
CopyPlace find_copy_place(int root, const std::string& path);

}  // namespace engine
