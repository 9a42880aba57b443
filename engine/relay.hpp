#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "base/fd.hpp"
#include "base/process.hpp"
#include "base/signals.hpp"

namespace engine {

/// Copies between our streams and those of a process that is our own child (run without a monitor, exec).
struct Relay {
  /// A pty master: our stdin goes to it raw, its output to our stdout, window sizes follow ours.
  int terminal = -1;
  /// Write end of the process's stdin, closed at our end of file; empty: stdin is not ours to copy.
  base::UniqueFd to_stdin;
  /// (read end, our descriptor)
  std::vector<std::pair<base::UniqueFd, int>> outputs;
  bool with_stdin = false;                         ///< With a terminal: whether what is typed is passed on.
  int watched = -1;                                ///< Another descriptor that may become readable; -1: none.
  std::function<bool()> read_watched;              ///< Reads it. False: it is to be watched no more.
  std::function<void(int signal)> forward_signal;  ///< Empty: signals end this command as usual.
};

/// Runs until the process ended and its output was copied. Returns its status.
/// @param signals  Of forwarded_signals(), made before the process was started: none may fall between.
base::ExitStatus relay(base::Child& process, Relay relay, base::SignalFd& signals);

/// The descriptors that a container's process shall get, and the pipes between: pipes and files of ours are given as
/// they are; a terminal never enters a container (it could be read or written to beyond the container's output), so it
/// is replaced by a pipe that we copy.
struct ChildStreams {
  int in = -1, out = 1, err = 2;
  Relay relay;
  std::vector<base::UniqueFd> kept;  ///< The child's ends; drop them once it runs.
};
ChildStreams make_child_streams(bool interactive);

}  // namespace engine
