#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/stat.h>
#include <vector>

#include "base/fd.hpp"

// Files of our own: paths here are relative to a directory descriptor that we opened and never follow a symbolic
// link in the last component. Anything below a rootfs, layer or volume goes through base/path_in_root.hpp instead.

namespace base {

/// openat(O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_RDONLY). `at` may be AT_FDCWD.
UniqueFd open_directory(int at, const std::string& path);
/// As above; nothing when it does not exist.
std::optional<UniqueFd> try_open_directory(int at, const std::string& path);
/// mkdirat unless it is there, then open. Does not make parents.
UniqueFd make_directory(int at, const std::string& path, mode_t mode = 0700);
/// Makes each missing component below `at`, then opens the last.
UniqueFd make_directories(int at, const std::string& path, mode_t mode = 0700);
/// openat(O_RDONLY | O_NOFOLLOW | O_CLOEXEC); nothing on ENOENT.
std::optional<UniqueFd> try_open_file(int at, const std::string& path);
/// A whole small file; nothing on ENOENT. @throws Error corrupt, when longer than `limit_bytes`.
std::optional<std::string> try_read_file(int at, const std::string& path, std::size_t limit_bytes);
/// As above, but absence is an Error not_found.
std::string read_file(int at, const std::string& path, std::size_t limit_bytes);

enum class Durability {
  flushed,   ///< fsync of the file before the rename and of the directory after it: survives power loss.
  volatile_  ///< Atomic for readers, no fsync.
};
/// Replaces `name` inside `dir`: readers see the old bytes or the new ones.
void write_file_atomically(int dir, const std::string& name, std::string_view bytes,
                           Durability durability = Durability::flushed, mode_t mode = 0600);
/// Makes `name` with these bytes; false when it exists already (O_EXCL semantics, content visible only when complete).
bool create_file_exclusively(int dir, const std::string& name, std::string_view bytes, Durability durability,
                             mode_t mode = 0600);
/// Writes to an existing file such as /proc/PID/uid_map in one write(2).
void write_existing(int at, const std::string& path, std::string_view bytes);

/// Names in a directory, without "." and "..", sorted.
std::vector<std::string> list_directory(int at, const std::string& path);
bool exists(int at, const std::string& path);

/// Removes a file or a whole tree, by descriptors, never crossing a mount or following a link; gives itself rwx on
/// directories it owns that lack it (overlay work directories have mode 000). Any depth. Absent: does nothing.
/// @throws Error permission, when something in it belongs to an id that this process cannot act for.
void remove_tree(int at, const std::string& path);

/// renameat2(RENAME_NOREPLACE); false when the target exists. Falls back to rename where the file system lacks the
/// flag.
bool rename_no_replace(int from_dir, const std::string& from, int to_dir, const std::string& to);
void rename_replace(int from_dir, const std::string& from, int to_dir, const std::string& to);
void unlink_file(int dir, const std::string& name);  ///< Absent: does nothing.
void flush(int fd, std::string_view what);           ///< fsync
void flush_filesystem(int fd);                       ///< syncfs

/// Blocks really used by a tree, in bytes; hard links count once. Directories that we may not read count without their
/// contents. Absent: 0.
std::uint64_t disk_usage(int at, const std::string& path);

/// A fresh 0700 directory below `parent`, removed with its contents on destruction.
class TempDir {
 public:
  explicit TempDir(const std::string& parent = "/tmp");
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();
  int fd() const noexcept { return fd_.get(); }
  const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
  UniqueFd fd_;
};

}  // namespace base
