#include "runtime/init_join.hpp"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <linux/sched.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"
#include "runtime/init.hpp"
#include "runtime/init_setup.hpp"

namespace runtime {
namespace {

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
constexpr bool can_share_memory = true;

/// clone3(2) of a process that begins with `entry` on the stack in `arguments`. In place, because a function around the
/// system call would return twice.
long clone_with_stack(clone_args& arguments, void (*entry)(void*), void* argument) {
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

long clone_with_stack(clone_args&, void (*)(void*), void*) {
  return -ENOSYS;
}
#endif

// The successor works on its copy of this stack, too: enough for all that init does. Static, since giving memory back
// after another CPU has used it would cost more than all else here.
constexpr std::size_t stack_bytes = 256 * 1024;
alignas(16) std::array<std::byte, stack_bytes> go_between_stack;

/// Between us and the clone: it reads the one half and writes the other.
struct Shared {
  const JoinOrders* orders;
  const std::vector<DescriptorRange>* closed;
  const base::Channel* channel;
  const std::function<void()>* body;
  pid_t successor = -1;  ///< Written by the kernel, so that it is known even if the clone is killed then.
  int error = 0;
  const char* failed_step = nullptr;  ///< Null with an error: this machine cannot do it.
};

[[noreturn]] void give_up(Shared& shared, const char* step) {
  shared.error = errno;
  shared.failed_step = step;
  ::_exit(0);
}

// On memory that is ours: nothing may be allocated, thrown or destroyed before the successor has its copy.
void go_between(void* argument) {
  Shared& shared = *static_cast<Shared*>(argument);
  for (const DescriptorRange& range : *shared.closed)
    if (::syscall(SYS_close_range, range.first, range.last, 0) != 0) give_up(shared, nullptr);
  ::umask(022);
  if (::setns(shared.orders->target, static_cast<int>(shared.orders->namespaces)) != 0)
    give_up(shared, "joining the container's namespaces");
  clone_args arguments{};
  arguments.flags = CLONE_PARENT | CLONE_PARENT_SETTID;
  arguments.parent_tid = reinterpret_cast<std::uintptr_t>(&shared.successor);
  const long pid = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (pid == 0) run_clone(*shared.channel, *shared.body);
  if (pid < 0) give_up(shared, "cloning a process inside the container");
  ::_exit(0);
}

}  // namespace

std::optional<base::Child> try_start_inside(const JoinOrders& orders, const base::Channel& channel,
                                            const std::function<void()>& body) {
  if (!can_share_memory) return std::nullopt;
  const std::vector<DescriptorRange> closed = ranges_between(orders.kept);
  Shared shared{.orders = &orders, .closed = &closed, .channel = &channel, .body = &body};
  int pidfd = -1;
  clone_args arguments{};
  arguments.flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD;
  arguments.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  arguments.exit_signal = SIGCHLD;
  arguments.stack = reinterpret_cast<std::uintptr_t>(go_between_stack.data());
  arguments.stack_size = stack_bytes;
  if (orders.cgroup >= 0) {
    arguments.flags |= CLONE_INTO_CGROUP;
    arguments.cgroup = static_cast<std::uint64_t>(orders.cgroup);
  }
  const long pid = clone_with_stack(arguments, go_between, &shared);
  if (pid < 0) return std::nullopt;  // an old kernel, a filter, a cgroup that cannot be entered from here
  base::Child(static_cast<pid_t>(pid), base::UniqueFd{pidfd}).wait();
  set_dumpable(false);  // the flag is the memory's, and other credentials may have changed it
  if (shared.error != 0 && shared.failed_step == nullptr) return std::nullopt;
  if (shared.error != 0) {
    errno = shared.error;
    throw base::os_error(shared.failed_step);
  }
  if (shared.successor < 0)
    throw base::make_error(base::ErrorKind::internal, "the process that was to join the container was killed");
  // Our child, and not reaped, so the number is still its.
  base::UniqueFd successor{static_cast<int>(::syscall(SYS_pidfd_open, shared.successor, 0))};
  if (!successor) throw base::os_error("opening process ", shared.successor);
  return base::Child{shared.successor, std::move(successor)};
}

}  // namespace runtime
