#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "base/fd.hpp"

namespace base {

/// One lock of this process in the list of those it holds; taken off when it is destroyed.
class LockOrderEntry {
 public:
  LockOrderEntry() noexcept = default;
  explicit LockOrderEntry(std::uint64_t number) noexcept : number_(number) {}
  LockOrderEntry(LockOrderEntry&& other) noexcept : number_(std::exchange(other.number_, 0)) {}
  LockOrderEntry& operator=(LockOrderEntry&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~LockOrderEntry();

 private:
  std::uint64_t number_ = 0;  ///< 0: none.
};

/// An OFD lock (fcntl F_OFD_SETLK) on a lock file that is never deleted. Released when the last descriptor of the open
/// file closes, so also when the process is killed. A hint of the holder (pid and command) is written into the file.
class [[nodiscard]] FileLock {
 public:
  enum class Mode { shared, exclusive };
  /// Locks with a rank are waited for in ascending order of it, and within one rank in the order of their names;
  /// whatever else is a mistake of ours by which two processes could wait for each other for ever. Asserted always:
  /// @throws Error internal. Shared twice is no mistake.
  static constexpr int unranked = 0;

  /// Waits with 1, 2, 5 … 50 ms back-off; after one second logs once, at warn level, whom it waits for.
  /// The file is created 0600 when absent.
  static FileLock acquire(int dir, const std::string& name, Mode mode, int rank = unranked);
  /// Does not wait: nothing when another process holds it.
  static std::optional<FileLock> try_acquire(int dir, const std::string& name, Mode mode);
  /// Waits at most `limit`.
  static std::optional<FileLock> acquire_for(int dir, const std::string& name, Mode mode,
                                             std::chrono::milliseconds limit);
  /// Whether somebody else holds it exclusively now; never takes it. An absent file is not held.
  static bool is_held(int dir, const std::string& name);

  /// The descriptor, to be inherited by a process that shall hold the lock on.
  int fd() const noexcept { return fd_.get(); }
  /// After a fork: the hint names this process from now on.
  void name_holder() const noexcept;

 private:
  explicit FileLock(UniqueFd fd, LockOrderEntry entry = {}) : fd_(std::move(fd)), entry_(std::move(entry)) {}
  UniqueFd fd_;
  LockOrderEntry entry_;
};

}  // namespace base
