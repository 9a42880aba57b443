/* What the container says to its service manager: of all that only "READY=1" is passed on, once, with who we are; a
 * container has no business with the rest of that protocol. Part of monitor.c. Source: sd_notify(3). */
#ifndef ENGINE_STUB_READY_RELAY_H
#define ENGINE_STUB_READY_RELAY_H

#include <stdint.h>

#include "runtime/stub/event_line.h"
#include "runtime/stub/journal_lines.h"
#include "runtime/stub/monitor_plan.h"
#include "runtime/stub/syscalls.h"

#define READY_MESSAGE_MAX_BYTES 4096

static int notify_fd = -1;

static int has_ready_line(const char *text, size_t size) {
  static const char ready[] = "READY=1";
  const size_t length = sizeof ready - 1;
  for (size_t start = 0; start < size;) {
    size_t end = start, same = 0;
    while (end < size && text[end] != '\n') end++;
    while (same < length && start + same < end && text[start + same] == ready[same]) same++;
    if (same == length && start + same == end) return 1;
    start = end + 1;
  }
  return 0;
}

static void read_notify_socket(const struct monitor_plan *plan) {
  static char text[READY_MESSAGE_MAX_BYTES];
  char words[48] = "MAINPID=";
  const long got = syscall6(__NR_recvfrom, notify_fd, ptr(text), sizeof text, MSG_DONTWAIT, 0, 0);
  if (got <= 0 || !has_ready_line(text, (size_t)got)) return;
  char *end = put_number(words + text_length(words), syscall0(__NR_getpid));
  memcpy(end, "\nREADY=1", 8);
  const struct io_vector line[] = {{words, (size_t)(end + 8 - words)}};
  if (!send_to_path(notify_fd, plan_text(plan, plan->notify_path), line, 1)) return;
  syscall1(__NR_close, notify_fd);
  notify_fd = -1;
}

#endif
