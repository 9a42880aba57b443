#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "registry/byte_range.hpp"

namespace registry {

inline constexpr std::size_t max_tar_entries = 200'000;
inline constexpr std::size_t max_tar_name_bytes = 4096;
inline constexpr std::size_t max_tar_extension_bytes = 1024 * 1024;

/// Where the files of an uncompressed tar are. Nothing is extracted; names are keys and never become paths.
/// Understands ustar, GNU long names and pax (path, linkpath, size). Links are followed inside the archive only.
/// Source: pax(1) "ustar Interchange Format"; GNU tar manual "Basic Tar Format".
class TarIndex final : public NamedFiles {
 public:
  /// Reads all headers of `file`. `name` is for messages.
  /// @throws Error corrupt, when it is no tar, is cut off or passes a limit.
  static TarIndex read(std::shared_ptr<const base::UniqueFd> file, std::string name);

  std::optional<ByteRange> find(const std::string& name) const override;
  std::string description() const override;

 private:
  friend class TarReader;
  struct Entry {
    std::uint64_t offset = 0;
    std::uint64_t size_bytes = 0;
    std::string link;  ///< Name in the archive that this one stands for; empty: a regular file.
  };
  std::shared_ptr<const base::UniqueFd> file_;
  std::string name_;
  std::map<std::string, Entry> entries_;
};

/// Pure. "./a//b/../c" gives "a/c"; nothing when it leaves the root. An absolute name is taken from the root.
std::optional<std::string> normal_tar_name(std::string_view name);

}  // namespace registry
