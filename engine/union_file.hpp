#pragma once

#include <string>
#include <vector>

#include "base/mount.hpp"

namespace engine {

/// A small regular file of a container's root file system that is not mounted here (etc/passwd, etc/group): looked up
/// through the directories of an overlay, uppermost first, honouring whiteouts and opaque directories. `path` has
/// exactly one directory and no leading slash. Symbolic links are not followed. Absent: empty text.
std::string read_union_file(const base::RootfsMount& rootfs, const std::string& directory, const std::string& name);

}  // namespace engine
