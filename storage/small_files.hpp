#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace storage {

/// Reads many small files of ours, one after the other into one buffer: three system calls each.
class SmallFiles {
 public:
  /// The bytes, until the next call; nothing when there is no such file. Follows no link in the last component.
  /// @throws Error corrupt, when longer than `limit_bytes`.
  std::optional<std::string_view> read(int dir, const std::string& path, std::size_t limit_bytes);

 private:
  std::string buffer_;
};

/// What is in a folder of ours, in no order.
std::vector<std::string> names_in(int dir, const char* folder);

}  // namespace storage
