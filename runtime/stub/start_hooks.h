/* The startContainer hooks, run by the last stage (stage.c) with the identity of the program that comes after them.
 * Needs plan, plan_bytes, string_at, fill_strings, must and report_and_exit of stage.c. */
#ifndef ENGINE_STUB_START_HOOKS_H
#define ENGINE_STUB_START_HOOKS_H

/* struct __kernel_timespec */
struct time_span {
  int64_t seconds, nanoseconds;
};

enum { NANOSECONDS = 1000000000, SAFE_PIPE_WRITE = 4096 };

static int64_t monotonic_now(void) {
  struct time_span now = {0, 0};
  syscall2(__NR_clock_gettime, CLOCK_MONOTONIC, ptr(&now));
  return now.seconds * NANOSECONDS + now.nanoseconds;
}

/* Waits for an event, at most until `deadline` (0: for ever). 0: the time is up. */
static long wait_until(struct pollfd *fds, long count, int64_t deadline) {
  for (;;) {
    struct time_span left = {0, 0};
    const int64_t nanoseconds = deadline - monotonic_now();
    long result;
    if (nanoseconds > 0) {
      left.seconds = nanoseconds / NANOSECONDS;
      left.nanoseconds = nanoseconds % NANOSECONDS;
    }
    result = syscall5(__NR_ppoll, ptr(fds), count, deadline == 0 ? 0 : ptr(&left), 0, 0);
    if (result == -EINTR) continue;
    must(STAGE_STEP_HOOK, result);
    return result;
  }
}

/* Writes the state to a hook that may read it or not, until the hook ends (1) or the time is up (0). Closes
 * `input`. */
static int serve_hook(int pidfd, int input, int64_t deadline) {
  const char *state = string_at(plan->hook_state);
  size_t left = text_length(state);
  struct pollfd fds[2] = {{pidfd, POLLIN, 0}, {input, POLLOUT, 0}};
  for (;;) {
    long written = 0;
    const int time_is_up = wait_until(fds, 2, deadline) == 0;
    if (time_is_up || fds[0].revents != 0) {
      syscall1(__NR_close, fds[1].fd);
      return !time_is_up;
    }
    /* A pipe that polls writable takes this much without blocking. */
    if (left != 0)
      written = syscall3(__NR_write, input, ptr(state), left < SAFE_PIPE_WRITE ? (long)left : SAFE_PIPE_WRITE);
    if (written > 0) {
      state += written;
      left -= (size_t)written;
    }
    if (left != 0 && written > 0) continue;
    syscall1(__NR_close, input); /* end of file, or nobody reads: EPIPE */
    fds[1].fd = -1;
  }
}

static void set_signal_action(long signal, const void *handler) {
  const struct kernel_sigaction action = {(void *)(uintptr_t)handler, 0, 0, 0};
  syscall4(__NR_rt_sigaction, signal, ptr(&action), 0, KERNEL_SIGSET_BYTES);
}

/* In the hook's process. A group of its own, so that what it leaves behind can be killed with it. */
static _Noreturn void execute_hook(const struct stage_hook *hook, int input, int *exec_error) {
  char **words;
  const long address = syscall6(__NR_mmap, 0, (long)(((uint64_t)hook->argc + hook->envc + 2) * sizeof(char *)),
                                PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address > 0 || address < -4095) {
    words = (char **)(uintptr_t)address;
    fill_strings(words, hook->argv, hook->argc);
    fill_strings(words + hook->argc + 1, hook->envp, hook->envc);
    syscall2(__NR_setpgid, 0, 0);
    syscall2(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL);
    set_signal_action(SIGPIPE, 0);
    syscall3(__NR_dup3, input, 0, 0);
    close_range_or_each(3, ~0u, CLOSE_RANGE_CLOEXEC);
    *exec_error = (int)-syscall3(__NR_execve, ptr(string_at(hook->path)), ptr(words), ptr(words + hook->argc + 1));
  } else {
    *exec_error = (int)-address;
  }
  exit_now(STAGE_EXIT_NOT_FOUND);
}

static void run_hook(int index, const struct stage_hook *hook, int *exec_error) {
  const int64_t deadline =
      hook->timeout_seconds == 0 ? 0 : monotonic_now() + (int64_t)hook->timeout_seconds * NANOSECONDS;
  int input[2] = {-1, -1}, pidfd = -1, status = 0;
  long pid;
  must(STAGE_STEP_HOOK, syscall2(__NR_pipe2, ptr(input), O_CLOEXEC));
  *exec_error = 0;
  pid = syscall5(__NR_clone, CLONE_PIDFD | SIGCHLD, 0, ptr(&pidfd), 0, 0); /* a fork */
  must(STAGE_STEP_HOOK, pid);
  if (pid == 0) execute_hook(hook, input[0], exec_error);
  syscall1(__NR_close, input[0]);
  if (!serve_hook(pidfd, input[1], deadline)) {
    *exec_error = ETIMEDOUT;
    syscall2(__NR_kill, -pid, SIGKILL);
    syscall4(__NR_pidfd_send_signal, pidfd, SIGKILL, 0, 0);
  }
  while (syscall4(__NR_wait4, pid, ptr(&status), 0, 0) == -EINTR) {
  }
  if (*exec_error != 0 || status != 0)
    report_and_exit((struct stage_report){STAGE_STEP_HOOK, *exec_error, index, status});
  syscall1(__NR_close, pidfd);
}

static void run_hooks(void) {
  const struct stage_hook *hooks = (const struct stage_hook *)(const void *)(plan_bytes + plan->hooks);
  long shared;
  if (plan->hook_count == 0) return;
  /* Where a hook's process says why it could not execute the hook. */
  shared = syscall6(__NR_mmap, 0, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  must(STAGE_STEP_HOOK, shared);
  set_signal_action(SIGPIPE, (const void *)1); /* SIG_IGN */
  for (uint32_t index = 0; index < plan->hook_count; index++)
    run_hook((int)index, hooks + index, (int *)(uintptr_t)shared);
  set_signal_action(SIGPIPE, 0);
}

#endif
