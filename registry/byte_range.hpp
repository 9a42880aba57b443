#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/fd.hpp"
#include "base/stream.hpp"

namespace registry {

/// A piece of a file that may be read again and from several threads (pread). Copies share the descriptor.
struct ByteRange {
  std::shared_ptr<const base::UniqueFd> file;
  std::uint64_t offset = 0;
  std::uint64_t size_bytes = 0;
};

/// The whole range. @throws Error corrupt, when it is longer than `limit_bytes` or the file ends early.
std::string read_range(const ByteRange& range, std::size_t limit_bytes, std::string_view what);
/// Writes everything from `skip` on. @throws Error corrupt, when the file ends early or `skip` is beyond the end.
void stream_range(const ByteRange& range, std::uint64_t skip, base::Sink& sink);
/// Up to `count` bytes from `position` within the range; fewer at its end.
std::string read_piece(const ByteRange& range, std::uint64_t position, std::size_t count);

/// Files with a name: a folder or an archive that holds an image.
class NamedFiles {
 public:
  virtual ~NamedFiles() = default;
  /// "blobs/sha256/…"; nothing when there is no such regular file.
  virtual std::optional<ByteRange> find(const std::string& name) const = 0;
  /// For messages: `"/tmp/x.tar"`, quoted.
  virtual std::string description() const = 0;
};

}  // namespace registry
