#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "runtime/seccomp.hpp"

namespace runtime {

/// Compiled filters in a folder of our own: one file each, named by the SHA-256 of everything that the program depends
/// on, mode 0400, its first line the SHA-256 of the rest. A folder that is not ours, or that others may write to, is
/// left alone, and so is any file that is not as we wrote it: a damaged one is as good as none. Writers publish by
/// rename, so there may be any number of them. The number of files is bounded; the oldest go first.
class SeccompCache {
 public:
  /// @param folder_fd  Borrowed; -1: no cache.
  SeccompCache(int folder_fd, std::string_view seccomp_json);
  std::optional<SeccompFilter> find() const;
  /// Failing to write is not an error: the filter is compiled again next time.
  void store(const SeccompFilter& filter) const noexcept;

 private:
  int folder_ = -1;
  std::string name_;
};

}  // namespace runtime
