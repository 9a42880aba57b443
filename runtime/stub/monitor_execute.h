/* Executing the engine from the monitor: in its own place at the end, or in a child. Part of monitor.c. */
#ifndef ENGINE_STUB_MONITOR_EXECUTE_H
#define ENGINE_STUB_MONITOR_EXECUTE_H

#include <asm/signal.h>
#include <linux/mman.h>
#include <stdint.h>

#include "runtime/stub/monitor_plan.h"
#include "runtime/stub/plan_check.h"
#include "runtime/stub/syscalls.h"

#define KERNEL_SIGSET_BYTES 8

struct kernel_sigaction {
  uintptr_t handler; /* 0: SIG_DFL, 1: SIG_IGN */
  unsigned long flags;
  void *restorer;
  uint64_t mask;
};

/* Closes all descriptors from 3 on but those listed; -1 in the list means none. */
static void close_all_but(const int32_t *kept, int count) {
  uint32_t next = 3;
  for (;;) {
    uint32_t lowest = ~0u;
    for (int index = 0; index < count; index++)
      if (kept[index] >= (int32_t)next && (uint32_t)kept[index] < lowest) lowest = (uint32_t)kept[index];
    if (lowest > next) close_range_or_each(next, lowest == ~0u ? ~0u : lowest - 1, 0);
    if (lowest == ~0u) return;
    next = lowest + 1;
  }
}

/* SIGTERM is read, as is SIGCHLD: to ignore it would forget one that has come already. */
static void set_all_signals(uintptr_t handler) {
  const struct kernel_sigaction action = {handler, 0, 0, 0}, by_default = {0, 0, 0, 0};
  for (long signal = 1; signal <= 64; signal++)
    if (signal != SIGCHLD)
      syscall4(__NR_rt_sigaction, signal, ptr(signal == SIGTERM ? &by_default : &action), 0, KERNEL_SIGSET_BYTES);
}

/* The plan is the beginning of the buffer that its offsets are in. */
static char **plan_strings(char **to, const struct monitor_plan *plan, uint32_t offsets, uint32_t count) {
  const unsigned char *bytes = (const unsigned char *)plan;
  for (uint32_t index = 0; index < count; index++)
    to[index] = (char *)(uintptr_t)(bytes + plan_load_u32(bytes, offsets + index * 4ull));
  to[count] = 0;
  return to;
}

/* Keeps descriptor `kept` open, if it is one, and none of ours. */
static _Noreturn void execute_engine(const struct monitor_plan *plan, uint32_t argv_offset, uint32_t argc,
                                     int32_t kept) {
  const uint64_t slots = (uint64_t)argc + plan->cleanup_envc + 2, no_signals = 0;
  const long address = syscall6(__NR_mmap, 0, (long)(slots * sizeof(char *)), PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (address < 0 && address > -4096) exit_now(125);
  char **argv = plan_strings((char **)(uintptr_t)address, plan, argv_offset, argc);
  char **envp = plan_strings(argv + argc + 1, plan, plan->cleanup_envp, plan->cleanup_envc);
  close_all_but(&kept, 1);
  set_all_signals(0);
  syscall4(__NR_rt_sigprocmask, SIG_SETMASK, ptr(&no_signals), 0, KERNEL_SIGSET_BYTES);
  syscall3(__NR_execve, (long)(uintptr_t)((const char *)plan + plan->cleanup_path), ptr(argv), ptr(envp));
  exit_now(125);
}

#endif
