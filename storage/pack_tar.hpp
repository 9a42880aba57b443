#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "base/stream.hpp"

// Writes tar archives. Pure: of files and directories it knows nothing (pack_tree.hpp does).

namespace storage::tar {

struct PackedTime {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
};

/// Where the bytes of a file with holes are.
struct PackedSpan {
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

struct PackedEntry {
  char type = '0';   ///< '0' file, '1' hard link, '2' symbolic link, '3' '4' devices, '5' directory, '6' FIFO.
  std::string path;  ///< A directory's ends with "/".
  std::string link;  ///< Of hard links a path of this archive.
  mode_t mode = 0644;
  std::uint64_t uid = 0;
  std::uint64_t gid = 0;
  std::uint64_t size = 0;  ///< Of files, holes included.
  PackedTime mtime;
  unsigned device_major = 0;
  unsigned device_minor = 0;
  std::vector<std::pair<std::string, std::string>> xattrs;
  bool sparse = false;
  std::vector<PackedSpan> spans;  ///< Of sparse files, in ascending order: only these bytes follow.
};

/// ustar headers, and before each a pax one for what they cannot hold: long paths, large numbers, parts of a second,
/// extended attributes (SCHILY.xattr), holes (GNU sparse format 1.0). The same entries give the same bytes.
/// Sources: pax(1) of POSIX; the GNU tar manual, "Storing Sparse Files"; OCI image-spec layer.md.
class Writer {
 public:
  /// `sink` is borrowed.
  explicit Writer(base::Sink& sink) : sink_(sink) {}

  /// Begins an entry; a file's bytes (of a sparse one its spans') come next by write, exactly as many as promised.
  /// @throws Error invalid_argument for what no tar can hold, such as an attribute's name with "=".
  void add(const PackedEntry& entry);
  void write(std::string_view bytes);
  /// Zeros for what is missing of the entry's content: a file became shorter while it was read.
  void fill_up();
  /// Bytes of the entry's content that are still to be written.
  std::uint64_t missing_bytes() const noexcept { return missing_bytes_; }
  /// The two blocks at the end. @throws Error internal, when the last entry is not complete.
  void finish();

 private:
  void end_entry();
  void pad(std::uint64_t written);

  base::Sink& sink_;
  std::uint64_t missing_bytes_ = 0;
  std::uint64_t content_bytes_ = 0;
};

}  // namespace storage::tar
