#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/fd.hpp"

namespace base {

/// An OFD lock (fcntl F_OFD_SETLK) on a lock file that is never deleted. Released when the last descriptor of the open
/// file closes, so also when the process is killed. A hint of the holder (pid and command) is written into the file.
class [[nodiscard]] FileLock {
 public:
  enum class Mode { shared, exclusive };

  /// Waits with 1, 2, 5 … 50 ms back-off; after one second logs once, at warn level, whom it waits for.
  /// The file is created 0600 when absent.
  static FileLock acquire(int dir, const std::string& name, Mode mode);
  /// Does not wait: nothing when another process holds it.
  static std::optional<FileLock> try_acquire(int dir, const std::string& name, Mode mode);
  /// Waits at most `limit`.
  static std::optional<FileLock> acquire_for(int dir, const std::string& name, Mode mode,
                                             std::chrono::milliseconds limit);
  /// Whether somebody else holds it exclusively now; never takes it. An absent file is not held.
  static bool is_held(int dir, const std::string& name);

  /// The descriptor, to be inherited by a process that shall hold the lock on.
  int fd() const noexcept { return fd_.get(); }
  UniqueFd release_fd() noexcept { return std::move(fd_); }

 private:
  explicit FileLock(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace base
