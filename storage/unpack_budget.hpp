#pragma once

#include <atomic>
#include <cstdint>

#include "base/error.hpp"
#include "storage/unpack_limits.hpp"

namespace storage {

/// What the layers of one pull may take together. Shared by the threads that unpack them.
class UnpackBudget {
 public:
  /// `what`: whose it is, in messages.
  explicit UnpackBudget(const UnpackLimits& limits, const char* what = "the image") : limits_(limits), what_(what) {}

  /// Bytes of a file, before they are written. @throws Error corrupt.
  void take_bytes(std::uint64_t count) {
    // Looked at first, so that no sum can overflow.
    if (count > limits_.max_unpacked_bytes || bytes_.fetch_add(count) + count > limits_.max_unpacked_bytes)
      throw base::make_error(base::ErrorKind::corrupt, what_, " unpacks to more than ", limits_.max_unpacked_bytes,
                             " bytes")
          .with_hint(hint);
  }

  void take_entry() {
    if (entries_.fetch_add(1) >= limits_.max_entries)
      throw base::make_error(base::ErrorKind::corrupt, what_, " has more than ", limits_.max_entries, " entries")
          .with_hint(hint);
  }

  static constexpr const char* hint = "limits are set in engine.conf, table [unpack]; see engine-pull(1)";

 private:
  const UnpackLimits limits_;
  const char* what_;
  std::atomic<std::uint64_t> bytes_{0};
  std::atomic<std::uint64_t> entries_{0};
};

}  // namespace storage
