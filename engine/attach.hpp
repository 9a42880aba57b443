#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/channel.hpp"
#include "runtime/terminal.hpp"

namespace engine {

/// How a command takes part in a container through its monitor.
struct AttachOptions {
  bool tty = false;  ///< Our terminal goes raw, resizes are passed on, detach keys are looked for.
  bool with_stdin = false;
  bool sig_proxy = true;
  std::string detach_keys;  ///< As the user writes them.
  std::function<void(int signal)> forward_signal;
};

/// The exit code of the container; nothing when the user detached.
std::optional<int> attach(base::Channel monitor, const AttachOptions& options);

/// Signals that commands pass on to a container instead of dying of them. Not in it: those that stop a job, SIGCHLD,
/// SIGPIPE, SIGURG.
sigset_t forwarded_signals();

}  // namespace engine
