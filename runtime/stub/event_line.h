/* A container's end in the log of events: a line of JSON, whose parts the plan has. Part of monitor.c. */
#ifndef ENGINE_STUB_EVENT_LINE_H
#define ENGINE_STUB_EVENT_LINE_H

#include <linux/fcntl.h>
#include <stdint.h>

#include "runtime/stub/log_lines.h"
#include "runtime/stub/monitor_plan.h"
#include "runtime/stub/syscalls.h"

/* The plan is the beginning of the buffer that its offsets are in. */
static const char *plan_text(const struct monitor_plan *plan, uint32_t offset) { return (const char *)plan + offset; }

static char *put_number(char *to, int64_t number) {
  int digits = 1;
  for (int64_t rest = number; rest >= 10; rest /= 10) digits++;
  put_digits(to, digits, number);
  return to + digits;
}

struct io_vector {
  const void *bytes;
  size_t size;
};

static struct io_vector text_of(const char *text) { return (struct io_vector){text, text_length(text)}; }

/* Its name now: what a rename has left, else what we were told. */
static struct io_vector container_name(const struct monitor_plan *plan, char *buffer) {
  const long fd =
      syscall4(__NR_openat, plan->container_fd, ptr(MONITOR_NAME_FILE), O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0);
  const long got = fd < 0 ? 0 : syscall3(__NR_read, fd, ptr(buffer), MONITOR_NAME_MAX_BYTES);
  if (fd >= 0) syscall1(__NR_close, fd);
  return got > 0 ? (struct io_vector){buffer, (size_t)got} : text_of(plan_text(plan, plan->event_name));
}

/* One line in the log of events, by one call, so that lines of several processes stay whole. `code` 0 is left out. */
static void note_event(const struct monitor_plan *plan, const char *status, int code, struct timestamp when) {
  char number[64] = "{\"ContainerExitCode\":", name[MONITOR_NAME_MAX_BYTES], time[LOG_PREFIX_BYTES];
  char *end = put_number(number + text_length(number), code);
  long fd;
  *end++ = ',';
  if (plan->event_path == 0) return;
  put_prefix(time, when, "stdout"); /* the time with its zone are the first 30 bytes */
  const struct io_vector line[] = {{number, code == 0 ? 1 : (size_t)(end - number)},
                                   text_of(plan_text(plan, plan->event_head)),
                                   container_name(plan, name),
                                   text_of("\",\"Status\":\""),
                                   text_of(status),
                                   text_of("\",\"Time\":\""),
                                   {time, 30},
                                   text_of(plan_text(plan, plan->event_tail))};
  fd = syscall4(__NR_openat, AT_FDCWD, ptr(plan_text(plan, plan->event_path)),
                O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return;
  syscall3(__NR_writev, fd, ptr(line), (long)(sizeof line / sizeof line[0]));
  syscall1(__NR_close, fd);
}

#endif
