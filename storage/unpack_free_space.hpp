#pragma once

#include <cstdint>

namespace storage {

/// Stops unpacking before a file system is full, since others live there too. Asks the kernel now and then, so that
/// whatever else fills it meanwhile is seen.
class FreeSpaceGuard {
 public:
  /// `dir` is borrowed. At most a hundredth of the file system is kept free.
  FreeSpaceGuard(int dir, std::uint64_t min_free_bytes) : dir_(dir), min_free_bytes_(min_free_bytes) {}
  /// One more entry, of so many bytes. @throws Error no_space.
  void note(std::uint64_t bytes) {
    unchecked_bytes_ += bytes;
    if (++unchecked_entries_ >= check_after_entries || unchecked_bytes_ >= check_after_bytes) check();
  }

 private:
  static constexpr std::uint64_t check_after_bytes = 16ULL << 20, check_after_entries = 4096;
  void check();

  int dir_;
  std::uint64_t min_free_bytes_;
  std::uint64_t unchecked_bytes_ = 0;
  std::uint64_t unchecked_entries_ = 0;
};

}  // namespace storage
