#pragma once

#include <array>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <memory>
#include <mutex>
#include <string_view>

namespace storage {

/// A few buffers between the thread that inflates and the thread that writes. A full ring stops the first, so that
/// memory stays bounded whatever the layer says; either side can end it early and the other never waits for ever.
class UnpackRing {
 public:
  static constexpr std::size_t buffer_bytes = 256 * 1024;
  static constexpr std::size_t buffer_count = 8;

  UnpackRing();

  // The filling side.
  /// The next empty buffer of buffer_bytes; null after cancel().
  char* wait_for_space();
  void commit(std::size_t size);
  /// No more bytes will come; `failure`, when there is one, is thrown to the emptying side after all bytes before it.
  void finish(std::exception_ptr failure = nullptr) noexcept;

  // The emptying side.
  /// The oldest filled buffer, never empty; an empty view at the end. Throws what finish() was given.
  std::string_view wait_for_bytes();
  /// Gives the buffer of the last wait_for_bytes() back.
  void release();
  /// Nothing more will be taken: wait_for_space() returns null from now on.
  void cancel() noexcept;

 private:
  struct Slot {
    std::unique_ptr<char[]> bytes;
    std::size_t size = 0;
  };
  std::mutex mutex_;
  std::condition_variable changed_;
  std::array<Slot, buffer_count> slots_;
  std::size_t filled_ = 0;  ///< Buffers committed so far; those not released yet lie in slots_[released_ % count] on.
  std::size_t released_ = 0;
  bool finished_ = false;
  bool cancelled_ = false;
  std::exception_ptr failure_;
};

}  // namespace storage
