#pragma once

#include <string>

#include "base/fd.hpp"

namespace registry {

/// A file that appears under its name whole or not at all. Until commit() it has no name (O_TMPFILE), so that nothing
/// is left of it even after kill -9; where the file system lacks that, it has a name of its own beside the target.
/// A target that is there and is no regular file (a pipe, /dev/stdout) is written to directly.
class OutputFile {
 public:
  /// @param path  Empty or "-": standard output. @throws Error not_found, permission …
  explicit OutputFile(std::string path);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  int fd() const noexcept { return fd_; }
  /// Puts the file in the place of what had its name before. Flushed: it survives power loss.
  void commit();

 private:
  void open_beside(const std::string& path);

  int fd_ = -1;
  base::UniqueFd owned_;
  base::UniqueFd folder_;
  std::string name_;       ///< Of the target; empty when it is written to directly.
  std::string temporary_;  ///< Its name until then; empty when it has none.
};

/// "." for a name without a slash; the folder and the last component of any other path.
struct FolderAndName {
  std::string folder;
  std::string name;
};
/// @throws Error invalid_argument, when there is no last component ("/", "..").
FolderAndName split_last_component(const std::string& path);

/// ".NAME.0123456789abcdef", for what is renamed to NAME when it is complete.
std::string temporary_name(const std::string& name);

}  // namespace registry
