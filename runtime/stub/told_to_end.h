/* SIGTERM: whoever ends a login session, a unit or the host means the container, too, and that no policy starts it again.
 * It is stopped as `engine stop` does it, and comes back with the host's next boot. Part of monitor.c. */
#ifndef ENGINE_STUB_TOLD_TO_END_H
#define ENGINE_STUB_TOLD_TO_END_H

#include <asm/signal.h>
#include <linux/fcntl.h>
#include <stdint.h>

#include "runtime/stub/monitor_execute.h"
#include "runtime/stub/monitor_plan.h"
#include "runtime/stub/monitor_timers.h"
#include "runtime/stub/syscalls.h"
#include "runtime/stub/whole_file.h"

static int told_fd = -1;

/* The signal is blocked by now, and by who executed us: one that came before is read here, too. */
static void listen_for_end(void) {
  const uint64_t told = 1ull << (SIGTERM - 1);
  told_fd = (int)syscall4(__NR_signalfd4, -1, ptr(&told), KERNEL_SIGSET_BYTES, O_NONBLOCK | O_CLOEXEC);
}

/* What the user has noted, and for longer, stays. */
static void note_end_until_boot(const struct monitor_plan *plan) {
  if (plan->container_fd < 0 || (plan->flags & MONITOR_SESSION) != 0) return;
  if (syscall3(__NR_faccessat, plan->container_fd, ptr(MONITOR_STOPPED_FILE), 0) == 0) return;
  write_whole_file(plan->container_fd, MONITOR_STOPPED_FILE, MONITOR_UNTIL_BOOT, sizeof MONITOR_UNTIL_BOOT - 1);
}

/* The same signal again is passed on again, and gives no more time. */
static void hear_end(const struct monitor_plan *plan, int is_running) {
  unsigned char drained[128];
  if (told_fd < 0 || syscall3(__NR_read, told_fd, ptr(drained), sizeof drained) <= 0) return;
  note_end_until_boot(plan);
  if (!is_running) return;
  syscall4(__NR_pidfd_send_signal, plan->init_pidfd, plan->stop_signal, 0, 0);
  schedule_end(plan);
}

#endif
