/* The container's output to systemd's journal by its native protocol: one datagram a line, "NAME=value\n" for each
 * field, and of the text, which may be any bytes, its length as 64 bits, little endian. Part of monitor.c.
 * Source: https://systemd.io/JOURNAL_NATIVE_PROTOCOL/ */
#ifndef ENGINE_STUB_JOURNAL_LINES_H
#define ENGINE_STUB_JOURNAL_LINES_H

#include <stdint.h>

#include "runtime/stub/attach_clients.h"
#include "runtime/stub/event_line.h"
#include "runtime/stub/monitor_plan.h"
#include "runtime/stub/syscalls.h"

/* Source: the kernel's struct user_msghdr and sockaddr_un; not in its user headers. */
struct message_header {
  const void *name;
  int32_t name_size;
  const struct io_vector *vectors;
  uint64_t vector_count;
  const void *control;
  uint64_t control_size;
  uint32_t flags;
};
struct unix_address {
  uint16_t family;
  char path[108];
};
#define FAMILY_UNIX 1

static int send_to_path(int fd, const char *path, const struct io_vector *vectors, uint64_t count) {
  struct unix_address address = {FAMILY_UNIX, {0}};
  const size_t length = text_length(path);
  if (length == 0 || length >= sizeof address.path) return 0;
  memcpy(address.path, path, length);
  const int is_abstract = path[0] == '@';
  if (is_abstract) address.path[0] = 0;
  const struct message_header header = {
      &address, (int32_t)(sizeof address.family + length + (is_abstract ? 0 : 1)), vectors, count, 0, 0, 0};
  return syscall3(__NR_sendmsg, fd, ptr(&header), MSG_NOSIGNAL) >= 0;
}

/* What the journal does not take within the socket's time-out is lost; the container goes on. */
static void journal_line(const struct monitor_plan *plan, int is_stderr, const char *text, size_t size, int is_whole) {
  const uint64_t length = size;
  const struct io_vector line[] = {text_of(plan_text(plan, plan->journal_fields)),
                                   text_of(is_stderr ? "PRIORITY=3\n" : "PRIORITY=6\n"),
                                   text_of(is_whole ? "" : "CONTAINER_PARTIAL_MESSAGE=true\n"),
                                   text_of("MESSAGE\n"),
                                   {&length, sizeof length},
                                   {text, size},
                                   text_of("\n")};
  send_to_path(plan->journal_fd, plan_text(plan, plan->journal_path), line, sizeof line / sizeof line[0]);
}

static void journal_output(const struct monitor_plan *plan, int is_stderr, const char *text, size_t size) {
  while (size != 0) {
    size_t length = 0;
    while (length < size && text[length] != '\n') length++;
    journal_line(plan, is_stderr, text, length, length < size);
    if (length < size) length++; /* the line end itself */
    text += length;
    size -= length;
  }
}

#endif
