#include "base/fd.hpp"

#include <algorithm>
#include <dirent.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <memory>
#include <unistd.h>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"

namespace base {

UniqueFd::~UniqueFd() {
  if (fd_ < 0) return;
  const int saved = errno;  // a destructor that runs between a failed call and os_error() must not hide the cause
  ::close(fd_);
  errno = saved;
}

UniqueFd duplicate(int fd) {
  UniqueFd copy{::fcntl(fd, F_DUPFD_CLOEXEC, 0)};
  if (!copy) throw os_error("duplicating descriptor ", fd);
  return copy;
}

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw os_error("making a pipe");
  return {UniqueFd{ends[0]}, UniqueFd{ends[1]}};
}

void write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      throw os_error("writing");
    }
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

std::size_t read_some(int fd, void* buffer, std::size_t size) {
  for (;;) {
    const ssize_t got = ::read(fd, buffer, size);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (errno != EINTR) throw os_error("reading");
  }
}

std::size_t read_full(int fd, void* buffer, std::size_t size) {
  std::size_t done = 0;
  while (done < size) {
    const std::size_t got = read_some(fd, static_cast<char*>(buffer) + done, size - done);
    if (got == 0) break;
    done += got;
  }
  return done;
}

std::string read_to_end(int fd, std::size_t limit_bytes) {
  std::string text;
  // Nearly all that is read is shorter than a page, and each page that is touched first costs more than a system call.
  for (std::size_t chunk = 4096;; chunk = std::min<std::size_t>(2 * chunk, 64 * 1024)) {
    const std::size_t before = text.size();
    text.resize(before + chunk);
    const std::size_t got = read_some(fd, text.data() + before, chunk);
    text.resize(before + got);
    if (got == 0) return text;
    if (got > limit_bytes - before)
      throw make_error(ErrorKind::corrupt, "reading: longer than ", limit_bytes, " bytes");
  }
}

namespace {

// How far numbers are tried one by one. Descriptors beyond were opened by somebody who had that many open, and are
// found by close_descriptors, or were born close-on-exec.
constexpr unsigned tried_descriptors = 1 << 16;

/// Our open descriptors, as the host's /proc lists them.
std::vector<int> open_descriptors() {
  const std::unique_ptr<DIR, int (*)(DIR*)> directory{::opendir("/proc/self/fd"), ::closedir};
  if (!directory) throw os_error("listing our descriptors");
  std::vector<int> numbers;
  while (const dirent* entry = ::readdir(directory.get())) {
    const auto number = parse_unsigned(entry->d_name);
    if (number && static_cast<int>(*number) != ::dirfd(directory.get())) numbers.push_back(static_cast<int>(*number));
  }
  return numbers;
}

}  // namespace

void close_descriptors(unsigned first, unsigned last) {
  if (::close_range(first, last, 0) == 0) return;
  if (errno != ENOSYS) throw os_error("closing descriptors");
  for (const int fd : open_descriptors())
    if (static_cast<unsigned>(fd) >= first && static_cast<unsigned>(fd) <= last) ::close(fd);
}

void set_close_on_exec_from(unsigned first) {
  if (::close_range(first, ~0u, CLOSE_RANGE_CLOEXEC) == 0) return;
  if (errno != ENOSYS && errno != EINVAL) throw os_error("setting close-on-exec of descriptors");
  // What /proc says here may be a container's own.
  for (unsigned fd = first; fd < tried_descriptors; ++fd) ::fcntl(static_cast<int>(fd), F_SETFD, FD_CLOEXEC);
}

void set_close_on_exec(int fd, bool on) {
  if (::fcntl(fd, F_SETFD, on ? FD_CLOEXEC : 0) != 0) throw os_error("setting close-on-exec of descriptor ", fd);
}

std::vector<int> inherited_descriptors(unsigned count) {
  std::vector<int> descriptors;
  for (int fd = 3; descriptors.size() < count; ++fd) {
    const int flags = ::fcntl(fd, F_GETFD);
    if (flags < 0 || (flags & FD_CLOEXEC) != 0)
      throw make_error(ErrorKind::invalid_argument, "descriptor ", fd,
                       " is to be passed on, but the caller has not opened it")
          .with_hint("see --preserve-fds and the variable LISTEN_FDS");
    descriptors.push_back(fd);
  }
  return descriptors;
}

void set_nonblocking(int fd, bool on) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0 || ::fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK) != 0)
    throw os_error("setting non-blocking mode of descriptor ", fd);
}

}  // namespace base
