#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace base {

/// Sole owner of an open file descriptor. Empty when default-made or moved from. `close` is called nowhere else.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) noexcept : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~UniqueFd();
  explicit operator bool() const noexcept { return fd_ >= 0; }
  int get() const noexcept { return fd_; }
  /// Gives the number up; the caller becomes the owner (for handing over to exec or a C library).
  int release() noexcept { return std::exchange(fd_, -1); }
  /// Closes now. A failing close of a written file loses data on NFS, so writers flush before.
  void reset() noexcept { *this = UniqueFd{}; }

 private:
  int fd_ = -1;
};

/// A second descriptor of the same open file, close-on-exec.
UniqueFd duplicate(int fd);

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};
/// pipe2(O_CLOEXEC).
Pipe make_pipe();

/// Writes everything, through EINTR and short writes.
void write_all(int fd, std::string_view bytes);
/// One read(2) through EINTR; 0 at end of file.
std::size_t read_some(int fd, void* buffer, std::size_t size);
/// Reads until `size` bytes or end of file; returns what it got.
std::size_t read_full(int fd, void* buffer, std::size_t size);
/// Everything up to end of file. @throws Error corrupt, when it is longer than `limit_bytes`.
std::string read_to_end(int fd, std::size_t limit_bytes);

/// Closes descriptors `first` to `last`: close_range(2), or those that /proc lists where a filter does not know it.
void close_descriptors(unsigned first, unsigned last);
/// Makes them close-on-exec. Linux 5.11, else one by one.
void set_close_on_exec_from(unsigned first);

/// Sets or clears FD_CLOEXEC.
void set_close_on_exec(int fd, bool on);
/// The descriptors 3, 4, … that our caller passed to us. They survived an exec, while those that we opened are
/// close-on-exec: an own one is never taken for the caller's. @throws Error invalid_argument naming the first that is
/// not there.
std::vector<int> inherited_descriptors(unsigned count);
void set_nonblocking(int fd, bool on);

}  // namespace base
