#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.hpp"

// A tree on its way from one process to another, entry by entry, content as descriptors: how cp goes in and out of
// containers without either side touching the other's files by a path.

namespace storage {

struct StreamedEntry {
  /// 'd' directory, 'f' file, 'l' symbolic link, 'h' hard link, 'p' FIFO.
  char type = 'f';
  std::string path;  ///< Relative to what is copied, which is itself ""; from strangers: checked by who writes it.
  std::string link;  ///< Of hard links a path like `path`.
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t size = 0;
  std::int64_t mtime_seconds = 0;
  std::uint32_t mtime_nanoseconds = 0;
  std::vector<std::pair<std::string, std::string>> xattrs;  ///< user.* and security.capability.
};

/// Fits into one message of base::Channel, or it is an error. @throws Error unsupported.
std::string encode_entry(const StreamedEntry& entry);
/// @throws Error internal.
StreamedEntry decode_entry(std::string_view bytes);

class EntrySink {
 public:
  virtual ~EntrySink() = default;
  /// @param content  Of a file: open for reading, a regular file or a pipe with `entry.size` bytes; else -1.
  virtual void put(const StreamedEntry& entry, int content) = 0;
};

/// Everything below the directory `dir`, or the one entry `name` of it, to `sink`: each directory before its content.
/// By descriptors, following no link, opening regular files only; what vanishes meanwhile is passed over. Devices and
/// sockets are left out. Returns how many were.
enum class SendFrom {
  strangers,  ///< Who changes the tree meanwhile may want us to open a device.
  own_files,  ///< Files of who runs the command: opened by name, without a second look, which is faster.
};
std::uint64_t send_directory(int dir, EntrySink& sink, SendFrom from = SendFrom::strangers);
std::uint64_t send_file(int dir, const std::string& name, EntrySink& sink, SendFrom from = SendFrom::strangers);

struct ReceiveOptions {
  bool overwrite = false;  ///< A directory may take the place of something else, and the other way round.
  bool set_owner = false;
  bool keep_owner = false;  ///< Owners of the entries, else `uid` and `gid`.
  std::uint32_t uid = 0, gid = 0;
  int root = -1;          ///< With a root, links to directories that are there already are followed inside of it.
  std::string base_path;  ///< Of the directory that is written to, inside of `root`.
};

/// Writes entries below an open directory, by descriptors.
class TreeReceiver final : public EntrySink {
 public:
  /// `dir`/`name` is the path "" of the entries; with an empty name `dir` itself, which exists. Borrowed.
  TreeReceiver(int dir, std::string name, ReceiveOptions options);
  ~TreeReceiver() override;
  /// @throws Error corrupt, for a path that leads upwards; already_exists, for a conflict of directory and file.
  void put(const StreamedEntry& entry, int content) override;
  /// Modes and times of the directories.
  void finish();

 private:
  struct Open;
  int open_parent(const std::string& path);
  void enter(const std::string& component);
  void leave();
  void make_directory(const StreamedEntry& entry);
  void make_file(int dir, const std::string& name, const StreamedEntry& entry, int content);
  base::UniqueFd create_file(int dir, const std::string& name) const;
  void copy_file(int from, int to, std::uint64_t size);
  void copy_content(int from, int to, std::uint64_t size);
  void make_other(int dir, const std::string& name, const StreamedEntry& entry);
  void make_room(int dir, const std::string& name, bool for_directory) const;
  void set_attributes(int dir, const std::string& name, int fd, const StreamedEntry& entry) const;
  base::UniqueFd open_known_directory(const std::string& path) const;

  int dir_;
  std::string name_;
  ReceiveOptions options_;
  bool may_copy_range_ = true;  ///< Until the kernel refuses it: between two file systems, which mostly stay the same.
  std::vector<std::unique_ptr<Open>> open_;
};

}  // namespace storage
