/* A small file in the container's folder, whole or not at all. Part of monitor.c. */
#ifndef ENGINE_STUB_WHOLE_FILE_H
#define ENGINE_STUB_WHOLE_FILE_H

#include <linux/fcntl.h>
#include <stddef.h>

#include "runtime/stub/log_lines.h"
#include "runtime/stub/syscalls.h"

/* Written beside it as ".<name>", then renamed. Where that file exists it is written over before it is cut, so that a full
 * disk does not matter. */
static void write_whole_file(int folder_fd, const char *name, const char *text, size_t size) {
  char temporary[LOG_NAME_MAX_BYTES + 2] = ".";
  long fd;
  if (text_length(name) > LOG_NAME_MAX_BYTES) return;
  memcpy(temporary + 1, name, text_length(name) + 1);
  fd = syscall4(__NR_openat, folder_fd, ptr(temporary), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return;
  if (syscall3(__NR_write, fd, ptr(text), (long)size) == (long)size && syscall2(__NR_ftruncate, fd, (long)size) == 0)
    syscall5(__NR_renameat2, folder_fd, ptr(temporary), folder_fd, ptr(name), 0);
  syscall1(__NR_close, fd);
}

#endif
