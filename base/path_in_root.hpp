#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/fd.hpp"

// The only way to follow a path inside a rootfs, layer, volume or bundle: openat2(2) with RESOLVE_IN_ROOT and
// RESOLVE_NO_MAGICLINKS. ".." and absolute links cannot leave `root`. EAGAIN (a rename beside us) is retried 128 times.
// Where a filter does not know openat2, path_walk.hpp follows the path itself.
// A build with -Dunsafe_paths=true (FSROOT_UNSAFE) replaces the resolution by plain openat, to prove that the escape
// tests can fail; it is never installed.

namespace base {

/// Opens `path` inside `root` with open(2) flags (O_CLOEXEC is added). `mode` is for O_CREAT.
UniqueFd open_in_root(int root, const std::string& path, int flags, mode_t mode = 0);
/// As above; empty UniqueFd on ENOENT, ENOTDIR or ELOOP.
UniqueFd try_open_in_root(int root, const std::string& path, int flags, mode_t mode = 0);
/// Opens without following any symbolic link and without leaving `root` or its file system
/// (RESOLVE_BENEATH | NO_SYMLINKS | NO_XDEV): for our own trees and procfs.
UniqueFd open_beneath(int root, const std::string& path, int flags, mode_t mode = 0);

struct MadeDirectory {
  UniqueFd fd;        ///< O_PATH | O_DIRECTORY of the last component.
  bool made = false;  ///< Whether the last component was created now.
};
/// mkdir -p inside `root`: existing components are resolved in root, missing ones made with mkdirat on the descriptor
/// of the component before, never by a path string.
MadeDirectory make_directories_in_root(int root, const std::string& path, mode_t mode = 0755);
/// Directory of `path` as above, then an empty regular file in it unless something is there. O_PATH of the result.
UniqueFd make_file_in_root(int root, const std::string& path, mode_t mode = 0644);

/// A small regular file of a rootfs (passwd, group): O_NONBLOCK, must be regular, at most `limit_bytes`; empty text
/// when it is absent or not such a file.
std::string read_small_file_in_root(int root, const std::string& path, std::size_t limit_bytes);

}  // namespace base
