#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

#include "base/fd.hpp"

namespace base {

/// What to execute. The child gets exactly the descriptors named here.
struct Command {
  std::string path;                             ///< Absolute path of the program; never searched in PATH.
  std::vector<std::string> argv;                ///< Including argv[0].
  std::optional<std::vector<std::string>> env;  ///< "NAME=value"; nothing: our own environment.
  std::vector<std::pair<int, int>>
      fds;                            ///< (ours, child's number); 0, 1, 2 are inherited unless named; ours -1: closed.
  bool null_stdin = false;            ///< stdin is /dev/null.
  bool new_session = false;           ///< setsid() in the child.
  bool die_with_parent = false;       ///< PR_SET_PDEATHSIG SIGKILL; the parent is the thread that spawned.
  bool joins_user_namespace = false;  ///< Reserved for documentation: children that join do it themselves after exec.
};

/// How a process ended, in the shell's terms. Source: waitid(2).
struct ExitStatus {
  int code = 0;  ///< 0–255 as it exited; 128+N when signal N ended it.
  bool signalled = false;
};

/// A child process: pid and pidfd. Killed and reaped on destruction unless it was waited for or detached.
class Child {
 public:
  Child() = default;
  Child(pid_t pid, UniqueFd pidfd) : pid_(pid), pidfd_(std::move(pidfd)) {}
  Child(Child&& other) noexcept;
  Child& operator=(Child&& other) noexcept;
  ~Child();
  explicit operator bool() const noexcept { return pid_ > 0; }
  pid_t pid() const noexcept { return pid_; }
  int pidfd() const noexcept { return pidfd_.get(); }
  void send_signal(int signal) const;  ///< pidfd_send_signal; a dead child is not an error.
  ExitStatus wait();
  std::optional<ExitStatus> wait_for(std::chrono::milliseconds limit);
  /// Gives the process up: it is neither killed nor reaped by us.
  pid_t detach() noexcept;

 private:
  pid_t pid_ = -1;
  UniqueFd pidfd_;
};

/// A child between fork and exec. Killed and reaped on destruction.
class StartingChild {
 public:
  StartingChild(Child child, UniqueFd report, std::string path)
      : child_(std::move(child)), report_(std::move(report)), path_(std::move(path)) {}
  /// Waits for the exec. @throws Error with errno, when it failed.
  Child confirm() &&;

 private:
  Child child_;
  UniqueFd report_;
  std::string path_;
};
/// Forks, and does not wait for the exec: for several programs that start side by side.
StartingChild begin_spawn(const Command& command);
/// Starts a program; an exec failure is thrown here, with errno, and leaves no process behind.
Child spawn(const Command& command);

struct Output {
  ExitStatus status;
  std::string out;
  std::string err;
};
/// Runs to its end; each stream is cut at `limit_bytes`; killed after `limit`.
Output run_and_capture(const Command& command, std::chrono::milliseconds limit, std::size_t limit_bytes = 64 * 1024);

/// First executable regular file `name` in a fixed list of directories (/usr/local/bin /usr/bin /bin /usr/sbin /sbin
/// …).
std::optional<std::string> find_program(const std::string& name);

/// Throws internal unless this process has exactly one thread (Threads: in /proc/self/status).
void assert_single_threaded();

}  // namespace base
