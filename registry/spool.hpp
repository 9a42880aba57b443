#pragma once

#include <cstdint>
#include <string_view>

#include "base/fd.hpp"
#include "base/stream.hpp"
#include "registry/spool_place.hpp"

namespace registry {

/// A file without a name that is written once and then read: it is gone when its last descriptor closes, also after a
/// crash. Stops at the limits, and before the disk is full, since others live there too.
class Spool final : public base::Sink {
 public:
  /// @throws Error not_found, permission, when nothing can be written to the folder.
  explicit Spool(const SpoolPlace& place);

  /// So many bytes will come, at least. @throws Error no_space, corrupt, at once when there is no room for them.
  void expect(std::uint64_t size_bytes) const;
  /// What is written is the uncompressed form of so many bytes. @throws Error no_space, as above.
  void expect_from_compressed(std::uint64_t compressed_bytes);
  /// @throws Error no_space, corrupt.
  void write(std::string_view bytes) override;
  std::uint64_t size_bytes() const noexcept { return size_bytes_; }
  /// Open for reading and writing; at its start.
  base::UniqueFd take();

 private:
  std::uint64_t room() const;

  SpoolPlace place_;
  base::UniqueFd fd_;
  std::uint64_t size_bytes_ = 0;
  std::uint64_t unchecked_bytes_ = 0;
  std::uint64_t compressed_bytes_ = 0;  ///< 0: not known.
};

}  // namespace registry
