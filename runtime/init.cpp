#include "runtime/init.hpp"

#include <csignal>
#include <exception>
#include <linux/sched.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/text.hpp"
#include "runtime/namespaces.hpp"
#include "runtime/sync.hpp"

namespace runtime {
namespace {

constexpr int start_failed_status = 125;

struct Cloned {
  pid_t pid = -1;  ///< 0 in the clone.
  base::UniqueFd pidfd;
  bool is_in_cgroup = false;
};

// Reasons of the kernel that only forbid being born in a cgroup: it is older than 5.7, or the cgroup cannot be entered
// from here, and moving, which the cgroup itself does, may still work.
bool may_be_moved_instead(int code) {
  return code == EINVAL || code == E2BIG || code == EACCES || code == EBUSY || code == EOPNOTSUPP || code == ENOSYS;
}

// A raw clone3(2): without a stack of its own the clone goes on here, as after fork(2).
/// @return as that, with errno.
long clone_process(unsigned flags, int cgroup, int* pidfd) {
  clone_args arguments{};
  arguments.flags = flags | (pidfd != nullptr ? CLONE_PIDFD : 0);
  arguments.pidfd = reinterpret_cast<std::uintptr_t>(pidfd);
  // With CLONE_PARENT the clone inherits the signal of its new sibling, and asking for one is EINVAL.
  arguments.exit_signal = (flags & CLONE_PARENT) != 0 ? 0 : SIGCHLD;
  if (cgroup >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<std::uint64_t>(cgroup);
  }
  const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  // Filters that cannot look into clone3's arguments often refuse it; clone(2) takes the same but for the cgroup.
  if (pid < 0 && errno == ENOSYS && cgroup < 0)
    return ::syscall(SYS_clone, arguments.flags | arguments.exit_signal, nullptr, pidfd, nullptr, nullptr);
  return pid;
}

Cloned clone_here(unsigned flags, int cgroup) {
  int pidfd = -1;
  const long pid = clone_process(flags, cgroup, &pidfd);
  if (pid < 0 && cgroup >= 0 && may_be_moved_instead(errno)) return clone_here(flags, -1);
  if (pid < 0) throw namespace_error(flags, "cloning the container's first process");
  return {static_cast<pid_t>(pid), base::UniqueFd{pid > 0 ? pidfd : -1}, cgroup >= 0};
}

/// As clone_here, in a user namespace that exists. Only who is inside may make a pid namespace, which is only for
/// children, and whoever goes inside stays there: so a process that runs on our memory while we wait joins, clones, and
/// ends. Its child has a copy of that memory, and us as its parent.
Cloned clone_inside(int user_namespace, unsigned flags, int cgroup) {
  const int dumpable = ::prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
  volatile long pid = -1;
  volatile int code = 0;
  const pid_t between = ::vfork();
  if (between == 0) {
    if (::setns(user_namespace, CLONE_NEWUSER) == 0) pid = clone_process(flags | CLONE_PARENT, cgroup, nullptr);
    if (pid == 0) return {0, {}, cgroup >= 0};
    code = errno;
    ::_exit(0);
  }
  if (between < 0) throw base::os_error("forking");
  int status = 0;
  while (::waitpid(between, &status, 0) < 0 && errno == EINTR) {
  }
  ::prctl(PR_SET_DUMPABLE, dumpable == 1 ? 1 : 0, 0, 0, 0);  // joining changed it, and memory has but one
  if (pid < 0 && cgroup >= 0 && may_be_moved_instead(code)) return clone_inside(user_namespace, flags, -1);
  if (pid < 0 && status != 0)
    throw base::make_error(base::ErrorKind::internal, "the process that clones the container's first one was killed");
  errno = code;
  if (pid < 0) throw namespace_error(flags, "cloning the container's first process");
  base::UniqueFd pidfd{static_cast<int>(::syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0))};
  if (!pidfd) throw base::os_error("opening the container's first process");
  return {static_cast<pid_t>(pid), std::move(pidfd), cgroup >= 0};
}

void report_failure(const base::Channel& channel, const base::Error& error) noexcept {
  try {
    send_sync(channel, Sync::failed, encode_error(error));
  } catch (...) {  // the parent is gone: nobody is left to be told
  }
}

}  // namespace

void run_clone(const base::Channel& channel, const std::function<void()>& body) noexcept {
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

void ask_for_cgroup(const base::Channel& channel) {
  send_sync(channel, Sync::cgroup_please);
  expect_sync(channel, Sync::cgroup_entered);
}

base::Child start_clone(unsigned flags, const Cgroup* cgroup, const base::Channel& channel, base::Channel& parents_end,
                        const std::function<void()>& body, const std::function<void()>& before_move,
                        int user_namespace) {
  // What is to be done outside of the cgroup leaves only moving; nor can one be born in the cgroups of version 1.
  const int birthplace = cgroup != nullptr && !before_move ? cgroup->clone_fd() : -1;
  Cloned cloned = user_namespace >= 0 ? clone_inside(user_namespace, flags, birthplace) : clone_here(flags, birthplace);
  if (cloned.pid == 0)
    run_clone(channel, [&] {
      parents_end.close();
      if (cgroup != nullptr && (!cloned.is_in_cgroup || !cgroup->record().legacy.empty())) {
        if (before_move) before_move();
        ask_for_cgroup(channel);
      }
      body();
    });
  return base::Child{cloned.pid, std::move(cloned.pidfd)};
}

void continue_in_successor(unsigned flags, const base::Channel& channel,
                           const std::function<void(pid_t outer_pid)>& body) {
  const Cloned cloned = clone_here(flags | CLONE_PARENT, -1);
  if (cloned.pid == 0)
    run_clone(channel, [&] {
      const SyncMessage known = expect_sync(channel, Sync::successor_known);
      body(static_cast<pid_t>(base::parse_unsigned(known.payload).value_or(0)));
    });
  send_sync(channel, Sync::successor, base::concat(cloned.pid), {cloned.pidfd.get()});
  ::_exit(0);
}

}  // namespace runtime
