#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/channel.hpp"
#include "base/signals.hpp"
#include "runtime/terminal.hpp"

namespace engine {

/// How a command takes part in a container through its monitor.
struct AttachOptions {
  bool tty = false;  ///< Our terminal goes raw, resizes are passed on, detach keys are looked for.
  bool with_stdin = false;
  bool ends_terminal = false;  ///< The end of an input that is no terminal is typed into the container's.
  bool sig_proxy = true;
  bool shows_output = true, shows_errors = true;
  std::string detach_keys;  ///< As the user writes them.
  std::function<void(int signal)> forward_signal;
};

/// The exit code of the container; nothing when the user detached, or our terminal was closed.
/// @param signals  Of forwarded_signals(), made before the container was started: none may fall between.
std::optional<int> attach(base::Channel monitor, const AttachOptions& options, base::SignalFd& signals);

/// Of a message of a monitor. Nothing: it is another one.
std::optional<int> exit_code_of(std::string_view message);

/// What ends the input of a program at a terminal (VEOF); in the middle of a line, the first one only passes that on.
std::string_view terminal_end(bool is_in_line);

/// Signals that do not end an attached command: all are passed on to the container, but SIGWINCH (a resize) and SIGPIPE
/// (our own output was closed). Not in it: those that stop a job, SIGCHLD, SIGURG.
sigset_t forwarded_signals();

}  // namespace engine
