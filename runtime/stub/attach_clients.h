/* The commands that are attached to a container. One message at a time is on its way to all of them; while somebody has
 * not got it, no further output is read, so the first command's slowness holds the container up; any other that is slow
 * for too long is dropped. Part of monitor.c. */
#ifndef ENGINE_STUB_ATTACH_CLIENTS_H
#define ENGINE_STUB_ATTACH_CLIENTS_H

#include <asm/socket.h>
#include <linux/fcntl.h>
#include <stdint.h>

#include "runtime/stub/monitor_plan.h"
#include "runtime/stub/syscalls.h"

/* Source: the kernel's include/linux/socket.h; not in its user headers. */
#define MSG_TRUNC 0x20
#define MSG_DONTWAIT 0x40
#define MSG_NOSIGNAL 0x4000
#define MSG_CMSG_CLOEXEC 0x40000000
#define SCM_RIGHTS 1
#define STALL_LIMIT_MILLISECONDS 2000

struct client {
  int fd; /* -1: free */
  int owes; /* the message has not reached it yet */
  int is_first;
  int64_t stalled_since; /* milliseconds of the monotonic clock */
};

static struct client clients[MONITOR_MAX_CLIENTS];
static unsigned char message[1 + ATTACH_MAX_PAYLOAD]; /* on its way to the clients */
static size_t message_size;

static int64_t monotonic_milliseconds(void) {
  int64_t now[2] = {0, 0};
  syscall2(__NR_clock_gettime, 1 /* CLOCK_MONOTONIC */, ptr(now));
  return now[0] * 1000 + now[1] / 1000000;
}

static void drop_client(struct client *client) {
  syscall1(__NR_close, client->fd);
  client->fd = -1;
  client->owes = 0;
}

static void deliver(struct client *client) {
  const long sent =
      syscall6(__NR_sendto, client->fd, ptr(message), (long)message_size, MSG_DONTWAIT | MSG_NOSIGNAL, 0, 0);
  if (sent == -EAGAIN || sent == -EINTR) {
    if (!client->is_first && monotonic_milliseconds() - client->stalled_since > STALL_LIMIT_MILLISECONDS)
      drop_client(client);
    return;
  }
  client->owes = 0;
  if (sent < 0) drop_client(client);
}

/* Bytes of the message, or a negative errno; one longer than `size` has its true size. *passed is the descriptor that came
 * with it, or -1; there is room for one, and the kernel closes any other. */
static long receive_message(int fd, unsigned char *bytes, size_t size, int *passed) {
  struct {
    void *base;
    size_t size;
  } text = {bytes, size};
  struct {
    size_t size;
    int32_t level, type;
    int32_t fd;
  } control = {0, 0, 0, -1};
  struct {
    void *name;
    int32_t name_size;
    void *texts;
    size_t text_count;
    void *control;
    size_t control_size;
    uint32_t flags;
  } header = {0, 0, &text, 1, &control, 20 /* CMSG_LEN of one descriptor */, 0};
  const long got = syscall3(__NR_recvmsg, fd, ptr(&header), MSG_DONTWAIT | MSG_TRUNC | MSG_CMSG_CLOEXEC);
  *passed = got >= 0 && header.control_size >= 20 && control.level == SOL_SOCKET && control.type == SCM_RIGHTS ? control.fd : -1;
  return got;
}

static int anyone_owes(void) {
  for (int index = 0; index < MONITOR_MAX_CLIENTS; index++)
    if (clients[index].fd >= 0 && clients[index].owes) return 1;
  return 0;
}

static void deliver_to_all(void) {
  for (int index = 0; index < MONITOR_MAX_CLIENTS; index++)
    if (clients[index].fd >= 0 && clients[index].owes) deliver(&clients[index]);
}

/* message[1 ..] holds the payload already. */
static void offer_message(enum attach_type type, size_t payload_size) {
  const int64_t now = monotonic_milliseconds();
  message[0] = (unsigned char)type;
  message_size = 1 + payload_size;
  for (int index = 0; index < MONITOR_MAX_CLIENTS; index++) {
    clients[index].owes = clients[index].fd >= 0;
    clients[index].stalled_since = now;
  }
  deliver_to_all();
}

static void add_client(int fd, int is_first) {
  for (int index = 0; index < MONITOR_MAX_CLIENTS; index++) {
    if (clients[index].fd >= 0) continue;
    clients[index] = (struct client){fd, 0, is_first, 0};
    return;
  }
  syscall1(__NR_close, fd);
}

static void start_clients(int first_fd) {
  for (int index = 0; index < MONITOR_MAX_CLIENTS; index++) clients[index].fd = -1;
  if (first_fd >= 0) add_client(first_fd, 1);
}

/* Only our own user and root may attach. */
static void accept_client(int listen_fd) {
  struct {
    int32_t pid;
    uint32_t uid, gid;
  } peer = {0, ~0u, ~0u};
  int32_t size = sizeof peer;
  const long fd = syscall4(__NR_accept4, listen_fd, 0, 0, O_CLOEXEC);
  if (fd < 0) return;
  const long got = syscall5(__NR_getsockopt, fd, SOL_SOCKET, SO_PEERCRED, ptr(&peer), ptr(&size));
  if (got == 0 && (peer.uid == 0 || peer.uid == (uint32_t)syscall0(__NR_geteuid)))
    add_client((int)fd, 0);
  else
    syscall1(__NR_close, fd);
}

#endif
