/* Processes that a container's first one leaves behind where no pid namespace of its own ends them: they become children
 * of the monitor, their subreaper, generation by generation. Part of monitor.c. */
#ifndef ENGINE_STUB_LEFT_BEHIND_H
#define ENGINE_STUB_LEFT_BEHIND_H

#include <asm/signal.h>
#include <linux/fcntl.h>
#include <linux/poll.h>
#include <linux/wait.h>
#include <stdint.h>

#include "runtime/stub/attach_clients.h"
#include "runtime/stub/syscalls.h"

#define LEFT_BEHIND_PATIENCE_MILLISECONDS 9000 /* who stops a container waits a little longer for its monitor */
#define LEFT_BEHIND_LOOK_AGAIN_MILLISECONDS 50

/* None of these numbers can be another process's: our children keep theirs until we reap them. */
static void kill_children(void) {
  char text[1024];
  long got, pid = 0;
  const long fd = syscall4(__NR_openat, AT_FDCWD, ptr("/proc/thread-self/children"), O_RDONLY | O_CLOEXEC, 0);
  while (fd >= 0 && (got = syscall3(__NR_read, fd, ptr(text), sizeof text)) > 0)
    for (long at = 0; at < got; at++) {
      if (text[at] >= '0' && text[at] <= '9') {
        pid = pid * 10 + (text[at] - '0');
      } else {
        if (pid > 1) syscall2(__NR_kill, pid, SIGKILL);
        pid = 0;
      }
    }
  if (fd >= 0) syscall1(__NR_close, fd);
}

/* False when there is none left. */
static int reap_children(int signal_fd) {
  unsigned char drained[128];
  long pid;
  while (syscall3(__NR_read, signal_fd, ptr(drained), sizeof drained) > 0) continue;
  do pid = syscall4(__NR_wait4, -1, 0, WNOHANG, 0);
  while (pid > 0);
  return pid == 0;
}

static void end_what_is_left(int signal_fd) {
  const int64_t end = monotonic_milliseconds() + LEFT_BEHIND_PATIENCE_MILLISECONDS;
  while (reap_children(signal_fd) && monotonic_milliseconds() < end) {
    const int64_t pause[2] = {0, LEFT_BEHIND_LOOK_AGAIN_MILLISECONDS * 1000000};
    struct pollfd child = {signal_fd, POLLIN, 0};
    kill_children();
    syscall5(__NR_ppoll, ptr(&child), 1, ptr(pause), 0, 0);
  }
}

/* A further process has ended: what it leaves stays as long as the container. */
static void stay_for_what_is_left(int signal_fd, int container_pidfd) {
  while (reap_children(signal_fd)) {
    struct pollfd polled[2] = {{signal_fd, POLLIN, 0}, {container_pidfd, POLLIN, 0}};
    syscall5(__NR_ppoll, ptr(polled), 2, 0, 0, 0);
    if (polled[1].revents != 0) return end_what_is_left(signal_fd);
  }
}

#endif
