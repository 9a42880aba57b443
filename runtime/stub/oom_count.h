/* Processes of the container that the kernel killed for want of memory: memory.events of version 2, or memory.oom_control
 * of version 1, both with a line "oom_kill N". Part of monitor.c. */
#ifndef ENGINE_STUB_OOM_COUNT_H
#define ENGINE_STUB_OOM_COUNT_H

#include <linux/fcntl.h>
#include <stddef.h>
#include <stdint.h>

#include "runtime/stub/event_line.h"
#include "runtime/stub/syscalls.h"

#define OOM_TEXT_BYTES 512
#define OOM_PATH_BYTES 4096

/* N of the line "oom_kill N", 0 without one. "oom_kill_disable" is another line. */
static int64_t kills_told(const char *text, size_t size) {
  static const char key[] = "oom_kill ";
  int64_t count = 0;
  size_t at = 0;
  while (at < size) {
    size_t matched = 0;
    while (matched < sizeof key - 1 && at + matched < size && text[at + matched] == key[matched]) matched++;
    if (matched == sizeof key - 1) {
      for (at += matched; at < size && text[at] >= '0' && text[at] <= '9'; at++) count = count * 10 + (text[at] - '0');
      return count;
    }
    while (at < size && text[at] != '\n') at++;
    at++;
  }
  return 0;
}

/* Reads it anew, which also takes what made it ready. How many were killed; -1: the cgroup is gone, or there is no file. */
static int64_t read_oom_count(int fd) {
  char text[OOM_TEXT_BYTES];
  const long got = fd < 0 ? -1 : syscall4(__NR_pread64, fd, ptr(text), sizeof text, 0);
  return got < 0 ? -1 : kills_told(text, (size_t)got);
}

/* Where the folder ends that a scope of systemd is in; 0: the path leads through none. */
static size_t end_above_scope(const char *path, size_t size) {
  static const char scope[] = ".scope/";
  size_t folder = 0, end = 0;
  for (size_t at = 0; at < size; at++) {
    size_t matched = 0;
    while (matched < sizeof scope - 1 && at + matched < size && path[at + matched] == scope[matched]) matched++;
    if (matched == sizeof scope - 1) end = folder;
    if (path[at] == '/') folder = at;
  }
  return end;
}

/* The same file of the cgroup above the scope, which counts what happens below it as well; -1 where there is no scope, so
 * that systemd removes nothing. */
static int open_count_above(int fd) {
  static const char name[] = "/memory.events";
  char link[32] = "/proc/self/fd/";
  char path[OOM_PATH_BYTES];
  *put_number(link + sizeof "/proc/self/fd/" - 1, fd) = 0;
  const long size = syscall4(__NR_readlinkat, AT_FDCWD, ptr(link), ptr(path), sizeof path - sizeof name);
  const size_t end = size <= 0 ? 0 : end_above_scope(path, (size_t)size);
  if (end == 0) return -1;
  memcpy(path + end, name, sizeof name);
  return (int)syscall4(__NR_openat, AT_FDCWD, ptr(path), O_RDONLY | O_CLOEXEC, 0);
}

#endif
