/* Processes of the container that the kernel killed for want of memory: memory.events of version 2, or memory.oom_control
 * of version 1, both with a line "oom_kill N". Part of monitor.c. */
#ifndef ENGINE_STUB_OOM_COUNT_H
#define ENGINE_STUB_OOM_COUNT_H

#include <stddef.h>
#include <stdint.h>

#include "runtime/stub/syscalls.h"

#define OOM_TEXT_BYTES 512

/* Whether a line "oom_kill N" has another N than 0. "oom_kill_disable" is another line. */
static int tells_of_kills(const char *text, size_t size) {
  static const char key[] = "oom_kill ";
  size_t at = 0;
  while (at < size) {
    size_t matched = 0;
    while (matched < sizeof key - 1 && at + matched < size && text[at + matched] == key[matched]) matched++;
    if (matched == sizeof key - 1) return at + matched < size && text[at + matched] >= '1' && text[at + matched] <= '9';
    while (at < size && text[at] != '\n') at++;
    at++;
  }
  return 0;
}

/* Reads it anew, which also takes what made it ready. 1: some were killed; 0: none; -1: the cgroup is gone. */
static int read_oom_count(int fd) {
  char text[OOM_TEXT_BYTES];
  const long got = syscall4(__NR_pread64, fd, ptr(text), sizeof text, 0);
  return got < 0 ? -1 : tells_of_kills(text, (size_t)got);
}

#endif
