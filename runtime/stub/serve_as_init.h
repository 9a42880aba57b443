/* --init: what stays as the container's first process, passes signals on and reaps. Included once per program. */
#ifndef ENGINE_STUB_SERVE_AS_INIT_H
#define ENGINE_STUB_SERVE_AS_INIT_H

#include <asm/signal.h>
#include <linux/prctl.h>
#include <linux/wait.h>

#include "runtime/stub/syscalls.h"

#define KERNEL_SIGSET_BYTES 8

static void set_signal_mask(uint64_t mask) {
  syscall4(__NR_rt_sigprocmask, SIG_SETMASK, ptr(&mask), 0, KERNEL_SIGSET_BYTES);
}

static void reap(long program) {
  int status = 0;
  long pid;
  while ((pid = syscall4(__NR_wait4, -1, ptr(&status), WNOHANG, 0)) > 0) {
    if (pid != program) continue;
    exit_now((status & 0x7f) != 0 ? 128 + (status & 0x7f) : (status >> 8) & 0xff);
  }
}

static _Noreturn void serve_as_init(long program) {
  static const uint64_t all = ~0ull;
  close_range_or_each(0, ~0u, 0);
  syscall2(__NR_prctl, PR_SET_NAME, ptr("engine-init"));
  for (;;) {
    const long signal = syscall4(__NR_rt_sigtimedwait, ptr(&all), 0, 0, KERNEL_SIGSET_BYTES);
    if (signal == SIGCHLD) reap(program);
    else if (signal > 0) syscall2(__NR_kill, program, signal);
  }
}

#endif
