/* What the monitor does by the clock: health checks, one at a time, and killing a container that may not run longer or
 * does not end when it is asked to.
 * Part of monitor.c. */
#ifndef ENGINE_STUB_MONITOR_TIMERS_H
#define ENGINE_STUB_MONITOR_TIMERS_H

#include <asm/signal.h>
#include <linux/wait.h>
#include <stdint.h>

#include "runtime/stub/attach_clients.h"
#include "runtime/stub/monitor_execute.h"
#include "runtime/stub/monitor_plan.h"
#include "runtime/stub/syscalls.h"

#define TIMER_NEVER INT64_MAX

static struct {
  int64_t check_due, kill_due, end_due; /* monotonic milliseconds */
  long check_pid;              /* of the check that is running; 0: none */
  int has_killed;
  int is_ending; /* we were told to end */
} timers = {TIMER_NEVER, TIMER_NEVER, TIMER_NEVER, 0, 0, 0};

/* The first check is made at once, as podman does it. */
static void start_timers(const struct monitor_plan *plan) {
  const int64_t now = monotonic_milliseconds();
  if (plan->check_argc != 0 && plan->check_interval != 0) timers.check_due = now;
  if (plan->kill_after != 0) timers.kill_due = now + (int64_t)plan->kill_after;
}

static void schedule_check(const struct monitor_plan *plan, uint64_t interval) {
  const int has_next = plan->check_interval != 0 && !timers.is_ending;
  timers.check_due = has_next ? monotonic_milliseconds() + (int64_t)interval : TIMER_NEVER;
}

/* The container was asked to end: it has as long for that as `engine stop` gives it. */
static void schedule_end(const struct monitor_plan *plan) {
  if (timers.is_ending) return;
  timers.is_ending = 1;
  timers.check_due = TIMER_NEVER;
  if ((plan->flags & MONITOR_SESSION) == 0) timers.end_due = monotonic_milliseconds() + (int64_t)plan->stop_patience;
}

static void start_check(const struct monitor_plan *plan) {
  const long pid = syscall5(__NR_clone, SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) execute_engine(plan, plan->check_argv, plan->check_argc, -1);
  if (pid < 0) {
    schedule_check(plan, plan->check_interval); /* no process is to be had now */
  } else {
    timers.check_pid = pid;
    timers.check_due = TIMER_NEVER;
  }
}

/* The interval begins when a check has ended. */
static void note_child_end(const struct monitor_plan *plan, long pid, int status) {
  if (pid != timers.check_pid) return;
  timers.check_pid = 0;
  const int is_soon = (status & 0x7f) == 0 && ((status >> 8) & 0xff) == MONITOR_SOON && plan->check_soon != 0;
  schedule_check(plan, is_soon ? plan->check_soon : plan->check_interval);
}

static void serve_timers(const struct monitor_plan *plan) {
  const int64_t now = monotonic_milliseconds();
  if (now >= timers.check_due) start_check(plan);
  if (now >= timers.end_due) {
    timers.end_due = TIMER_NEVER;
    syscall4(__NR_pidfd_send_signal, plan->init_pidfd, SIGKILL, 0, 0);
  }
  if (now < timers.kill_due) return;
  timers.kill_due = TIMER_NEVER;
  timers.has_killed = syscall4(__NR_pidfd_send_signal, plan->init_pidfd, SIGKILL, 0, 0) == 0;
}

/* Milliseconds until one is due; -1: never. */
static int64_t timer_patience(void) {
  int64_t due = timers.check_due < timers.kill_due ? timers.check_due : timers.kill_due;
  if (timers.end_due < due) due = timers.end_due;
  const int64_t left = due == TIMER_NEVER ? -1 : due - monotonic_milliseconds();
  return due != TIMER_NEVER && left < 0 ? 0 : left;
}

#endif
