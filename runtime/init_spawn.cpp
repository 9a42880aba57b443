#include "runtime/init_spawn.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <linux/sched.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"

namespace runtime {
namespace {

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
constexpr bool can_share_memory = true;

/// clone3(2) of a process that begins with `entry` on the stack in `arguments`. In place, because a function around the
/// system call would return twice.
long clone_with_stack(clone_args& arguments, void (*entry)(const void*), const void* argument) {
  long result = SYS_clone3;
  asm volatile(
      "syscall\n\t"
      "test %%rax, %%rax\n\t"
      "jnz 1f\n\t"
      "xor %%ebp, %%ebp\n\t"
      "mov %[argument], %%rdi\n\t"
      "call *%[entry]\n\t"
      "hlt\n"
      "1:"
      : "+a"(result)
      : "D"(&arguments), "S"(sizeof arguments), [entry] "r"(entry), [argument] "r"(argument)
      : "rcx", "r11", "memory", "cc");
  return result;
}
#else
constexpr bool can_share_memory = false;

long clone_with_stack(clone_args&, void (*)(const void*), const void*) {
  return -ENOSYS;
}
#endif

// Static, since giving memory back after another CPU has used it would cost more than all else here.
alignas(16) std::array<std::byte, 64 * 1024> shared_stack;

void execute(const void* stage) {
  static_cast<const PreparedStage*>(stage)->execute();
}

/// No handler of ours may run in a clone on our memory.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    ::sigfillset(&all);
    ::sigprocmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { ::sigprocmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_{};
};

/// @return as clone3(2), with errno.
long clone_and_execute(clone_args& arguments, const PreparedStage& stage) {
  if (can_share_memory) {
    clone_args shared = arguments;
    shared.flags |= CLONE_VM | CLONE_VFORK;
    shared.stack = reinterpret_cast<std::uintptr_t>(shared_stack.data());
    shared.stack_size = shared_stack.size();
    const long pid = clone_with_stack(shared, execute, &stage);
    if (pid > 0) return pid;
    errno = static_cast<int>(-pid);
    return -1;
  }
  const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid == 0) stage.execute();
  return pid;
}

}  // namespace

std::optional<base::Child> spawn_stage(const PreparedStage& stage, int cgroup) {
  const SignalsBlocked signals_blocked;
  int pidfd = -1;
  clone_args arguments{};
  arguments.flags = CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  if (cgroup >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<std::uint64_t>(cgroup);
  }
  long pid = clone_and_execute(arguments, stage);
  if (pid < 0 && cgroup >= 0) return std::nullopt;
  // Filters that cannot look into clone3's arguments often refuse it.
  if (pid < 0 && errno == ENOSYS) {
    pid = ::syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, nullptr, &pidfd, nullptr, nullptr);
    if (pid == 0) stage.execute();
  }
  if (pid < 0) throw base::os_error("cloning the process that joins the container");
  return base::Child{static_cast<pid_t>(pid), base::UniqueFd{pidfd}};
}

}  // namespace runtime
