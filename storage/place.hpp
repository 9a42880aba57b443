#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

// What the file system that a store lies on can do. Everything works without these, some of it worse; `info` says what.

namespace storage {

struct PlaceFacts {
  std::uint64_t magic = 0;  ///< f_type of statfs(2).
  bool is_read_only = false;
  bool has_user_xattrs = true;    ///< For opaque directories and capabilities of rootless overlays.
  bool has_unnamed_files = true;  ///< O_TMPFILE
  bool has_exchange = true;       ///< RENAME_EXCHANGE
  bool has_no_replace = true;     ///< RENAME_NOREPLACE
};

/// In the run folder: the store of containers that a reboot ends, whose images lie in another store.
inline constexpr const char* transient_folder = "/transient";

/// For errors with EROFS.
inline constexpr const char* read_only_hint =
    "the store lies on a read-only file system; choose another folder with --root";

/// "nfs", "overlay", "tmpfs", …; the number in hexadecimal for those that are not known.
std::string file_system_name(std::uint64_t magic);

/// Tries them in `dir`, which is left as it was. @throws Error, when the file system cannot be asked.
PlaceFacts probe_place(int dir);

/// Pure: what that means, a line each, with a remedy where there is one; empty for a good place.
std::vector<std::string> explain_place(const PlaceFacts& facts);

}  // namespace storage
