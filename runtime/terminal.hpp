#pragma once

#include <optional>
#include <sys/types.h>
#include <termios.h>

#include "base/fd.hpp"

namespace runtime {

struct WindowSize {
  unsigned rows = 0, columns = 0;
};

struct Terminal {
  base::UniqueFd master;
  base::UniqueFd slave;
};

/// A new pty. The slave is opened through the master (TIOCGPTPEER), never by name, and both are checked to be what they
/// claim. Neither becomes the controlling terminal.
/// @param devpts_dir  A directory where devpts is mounted (ptmx is taken from it), or -1: /dev/ptmx.
Terminal open_terminal(int devpts_dir);
/// Owner of the slave, for programs that open /dev/tty's device again; the group stays. EPERM (id not mapped) is
/// ignored.
void set_terminal_owner(int slave, uid_t uid);

/// Nothing when `fd` is no terminal.
std::optional<WindowSize> window_size(int fd) noexcept;
/// Ignores that `fd` is no terminal.
void set_window_size(int fd, WindowSize size) noexcept;

/// Puts the user's terminal into raw mode for the life of the object; the settings found are restored at its end.
/// Does nothing when `fd` is no terminal. `fd` is borrowed.
class RawTerminal {
 public:
  explicit RawTerminal(int fd);
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;
  ~RawTerminal();
  /// Back to the settings found (before stopping ourselves, for example); enter() makes it raw again.
  void leave() noexcept;
  void enter() noexcept;

 private:
  int fd_;
  bool is_terminal_ = false;
  bool is_raw_ = false;
  termios saved_{};
};

}  // namespace runtime
