#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>

namespace storage {

/// One entry of a layer as its archive said, whatever ids and modes the tree on disk could be given.
///
/// The manifest is a text file, one record a line, in the order of unpacking:
///
///   engine-owners 1
///   TYPE MODE UID GID SIZE MTIME DIGEST CAPABILITIES PATH [LINK]
///   end COUNT
///
/// MODE is octal, MTIME seconds with nine decimals, DIGEST the SHA-256 of a regular file's content in hex, CAPABILITIES
/// the xattr security.capability in hex; "-" where there is none. In PATH and LINK bytes up to 0x20, 0x7f and "%" are
/// percent-escaped; the root is ".". Records apply in order: a later record for a path replaces the earlier one, and
/// one of another type than directory also whatever was below it. Without the last line the file is not whole.
struct OwnerRecord {
  enum class Type : char {
    file = 'f',
    directory = 'd',
    symlink = 'l',
    hard_link = 'h',  ///< LINK is the path of an earlier file or symbolic link of this layer.
    fifo = 'p',
    whiteout = 'w',  ///< Hides PATH of the layers below.
    opaque = 'o',    ///< The directory PATH hides what the layers below have in it.
  };
  Type type = Type::file;
  std::string path;
  mode_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_seconds = 0;
  long mtime_nanoseconds = 0;
  std::string sha256_hex;        ///< Empty but for regular files.
  std::string capabilities_hex;  ///< Empty: none.
  std::string link;
  bool operator==(const OwnerRecord&) const = default;
};

/// Appends records to an open, empty file that it does not own.
class OwnersWriter {
 public:
  explicit OwnersWriter(int fd);
  /// Goes on with a manifest that was finished. @throws Error corrupt, when it was not.
  static OwnersWriter reopen(int fd);
  void add(const OwnerRecord& record);
  /// Writes the last line. Without this call readers refuse the file.
  void finish();

 private:
  OwnersWriter(int fd, std::uint64_t count) : fd_(fd), count_(count) {}
  void flush_when(std::size_t filled);
  int fd_;
  std::uint64_t count_ = 0;
  std::string buffer_;
};

/// Reads a manifest from an open file that it does not own, a piece at a time.
class OwnersReader {
 public:
  /// @throws Error corrupt, when it is no owner manifest; unsupported, when it is of another version.
  explicit OwnersReader(int fd);
  /// Nothing after the last record. @throws Error corrupt, naming the line, when malformed or not whole.
  std::optional<OwnerRecord> next();

 private:
  std::string_view read_line();
  int fd_;
  std::uint64_t count_ = 0;
  std::string buffer_;
  std::size_t done_ = 0;
};

}  // namespace storage
