#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>

#include "base/fd.hpp"

namespace base {

/// openat2(2) where a filter that we live under does not know it (ENOSYS): the path is followed one component at a
/// time, each opened without following links on the descriptor of the one before, so that nothing which is renamed
/// beside us leads out. ".." goes back to the descriptor that we came from, never to what the file system says.
/// @param resolve   RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS, or RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS, the latter
///                  also with RESOLVE_NO_XDEV.
/// @return          As openat2: empty with errno.
UniqueFd walk_path(int root, const std::string& path, int flags, mode_t mode, std::uint64_t resolve);

}  // namespace base
