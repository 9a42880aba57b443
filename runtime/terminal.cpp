#include "runtime/terminal.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.hpp"

namespace runtime {
namespace {

// Source: Documentation/admin-guide/devices.txt.
constexpr unsigned tty_major = 5, ptmx_minor = 2, first_slave_major = 136, last_slave_major = 143;

bool is_master(const struct stat& status) {
  return S_ISCHR(status.st_mode) && major(status.st_rdev) == tty_major && minor(status.st_rdev) == ptmx_minor;
}

bool is_slave(const struct stat& status) {
  return S_ISCHR(status.st_mode) && major(status.st_rdev) >= first_slave_major &&
         major(status.st_rdev) <= last_slave_major;
}

/// What we opened may be another device than its name says, when the directory belongs to a container.
void check_device(int fd, bool (*is_right)(const struct stat&), const char* what) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw base::os_error("looking at ", what);
  if (!is_right(status)) throw base::make_error(base::ErrorKind::corrupt, what, " is not a terminal device");
}

}  // namespace

Terminal open_terminal(int devpts_dir) {
  constexpr int flags = O_RDWR | O_NOCTTY | O_CLOEXEC;
  Terminal terminal;
  terminal.master =
      base::UniqueFd{devpts_dir < 0 ? ::open("/dev/ptmx", flags) : ::openat(devpts_dir, "ptmx", flags | O_NOFOLLOW)};
  if (!terminal.master) throw base::os_error("opening the terminal multiplexer ptmx");
  check_device(terminal.master.get(), is_master, "ptmx");
  const int unlocked = 0;
  if (::ioctl(terminal.master.get(), TIOCSPTLCK, &unlocked) != 0) throw base::os_error("unlocking a terminal");
  terminal.slave = base::UniqueFd{::ioctl(terminal.master.get(), TIOCGPTPEER, flags)};
  if (!terminal.slave) throw base::os_error("opening the slave of a terminal");
  check_device(terminal.slave.get(), is_slave, "the slave of ptmx");
  return terminal;
}

void set_terminal_owner(int slave, uid_t uid) {
  if (::fchown(slave, uid, static_cast<gid_t>(-1)) != 0 && errno != EPERM && errno != EINVAL)
    throw base::os_error("changing the owner of a terminal");
}

std::optional<WindowSize> window_size(int fd) noexcept {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0) return std::nullopt;
  return WindowSize{size.ws_row, size.ws_col};
}

void set_window_size(int fd, WindowSize size) noexcept {
  winsize wanted{};
  wanted.ws_row = static_cast<unsigned short>(size.rows);
  wanted.ws_col = static_cast<unsigned short>(size.columns);
  ::ioctl(fd, TIOCSWINSZ, &wanted);
}

RawTerminal::RawTerminal(int fd) : fd_(fd) {
  is_terminal_ = ::tcgetattr(fd, &saved_) == 0;
  enter();
}

RawTerminal::~RawTerminal() {
  leave();
}

void RawTerminal::enter() noexcept {
  if (!is_terminal_ || is_raw_) return;
  termios raw = saved_;
  ::cfmakeraw(&raw);
  is_raw_ = ::tcsetattr(fd_, TCSADRAIN, &raw) == 0;
}

void RawTerminal::leave() noexcept {
  if (!is_raw_) return;
  ::tcsetattr(fd_, TCSADRAIN, &saved_);
  is_raw_ = false;
}

}  // namespace runtime
