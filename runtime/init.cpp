#include "runtime/init.hpp"

#include <csignal>
#include <exception>
#include <linux/sched.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"
#include "runtime/sync.hpp"

namespace runtime {
namespace {

constexpr int start_failed_status = 125;

struct Cloned {
  pid_t pid = -1;  ///< 0 in the clone.
  base::UniqueFd pidfd;
};

// A raw clone3(2): without a stack of its own the clone goes on here, as after fork(2).
Cloned clone_here(unsigned flags) {
  int pidfd = -1;
  clone_args arguments{};
  arguments.flags = flags | CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  // With CLONE_PARENT the clone inherits the signal of its new sibling, and asking for one is EINVAL.
  arguments.exit_signal = (flags & CLONE_PARENT) != 0 ? 0 : SIGCHLD;
  const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid < 0) {
    base::Error error = base::os_error("cloning the container's first process");
    const bool refused = (flags & CLONE_NEWUSER) != 0 && (error.code() == EPERM || error.code() == ENOSPC);
    throw refused ? std::move(error).with_hint(
                        "user namespaces are switched off here: see sysctl user.max_user_namespaces "
                        "and kernel.unprivileged_userns_clone")
                  : std::move(error);
  }
  return {static_cast<pid_t>(pid), base::UniqueFd{pid > 0 ? pidfd : -1}};
}

void report_failure(const base::Channel& channel, const base::Error& error) noexcept {
  try {
    send_sync(channel, Sync::failed, encode_error(error));
  } catch (...) {  // the parent is gone: nobody is left to be told
  }
}

[[noreturn]] void run_clone(const base::Channel& channel, const std::function<void()>& body) noexcept {
  try {
    body();
    report_failure(channel, base::make_error(base::ErrorKind::internal, "init came to an end"));
  } catch (const base::Error& error) {
    report_failure(channel, error);
  } catch (const std::exception& error) {
    report_failure(channel, base::make_error(base::ErrorKind::internal, error.what()));
  } catch (...) {
    report_failure(channel, base::make_error(base::ErrorKind::internal, "init failed for an unknown reason"));
  }
  ::_exit(start_failed_status);
}

}  // namespace

base::Child start_clone(unsigned flags, const base::Channel& channel, const std::function<void()>& body) {
  Cloned cloned = clone_here(flags);
  if (cloned.pid == 0) run_clone(channel, body);
  return base::Child{cloned.pid, std::move(cloned.pidfd)};
}

void continue_in_successor(unsigned flags, const base::Channel& channel, const std::function<void()>& body) {
  const Cloned cloned = clone_here(flags | CLONE_PARENT);
  if (cloned.pid == 0)
    run_clone(channel, [&] {
      expect_sync(channel, Sync::successor_known);
      body();
    });
  send_sync(channel, Sync::successor, base::concat(cloned.pid), {cloned.pidfd.get()});
  ::_exit(0);
}

}  // namespace runtime
