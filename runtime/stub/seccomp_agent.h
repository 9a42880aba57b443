/* SCMP_ACT_NOTIFY in the last stage (stage.c): the agent gets the filter's listener and the state, once. Needs plan,
 * string_at and must of stage.c, and join.h. */
#ifndef ENGINE_STUB_SECCOMP_AGENT_H
#define ENGINE_STUB_SECCOMP_AGENT_H

/* struct iovec, struct msghdr and struct cmsghdr with one descriptor, as sendmsg(2) has them. */
struct agent_bytes {
  const void *start;
  size_t size;
};

struct agent_descriptor {
  size_t size;
  int level, type;
  int fd, padding;
};

struct agent_message {
  void *name;
  uint32_t name_size;
  struct agent_bytes *bytes;
  size_t bytes_count;
  struct agent_descriptor *control;
  size_t control_size;
  uint32_t flags;
};

enum { AGENT_SOL_SOCKET = 1, AGENT_SCM_RIGHTS = 1, AGENT_MSG_NOSIGNAL = 0x4000 };

/* Takes what was sent off the front. */
static void advance(struct agent_message *message, size_t sent) {
  while (message->bytes_count != 0 && sent >= message->bytes->size) {
    sent -= message->bytes->size;
    message->bytes++;
    message->bytes_count--;
  }
  if (message->bytes_count == 0) return;
  message->bytes->start = (const char *)message->bytes->start + sent;
  message->bytes->size -= sent;
}

static void tell_agent(int listener) {
  char end[12];
  const char *state = string_at(plan->agent_state);
  const size_t digits = write_decimal(end, own_pid_outside);
  struct agent_bytes bytes[2] = {{state, text_length(state)}, {end, digits + 1}};
  struct agent_descriptor control = {offsetof(struct agent_descriptor, padding), AGENT_SOL_SOCKET, AGENT_SCM_RIGHTS,
                                     listener, 0};
  struct agent_message message = {0, 0, bytes, 2, &control, sizeof control, 0};
  end[digits] = '}';
  while (message.bytes_count != 0) {
    const long sent = syscall3(__NR_sendmsg, plan->agent_fd, ptr(&message), AGENT_MSG_NOSIGNAL);
    if (sent == -EINTR) continue;
    must(STAGE_STEP_AGENT, sent);
    message.control = 0; /* the descriptor went with the first byte */
    message.control_size = 0;
    advance(&message, (size_t)sent);
  }
  syscall1(__NR_close, plan->agent_fd);
  syscall1(__NR_close, listener);
}

#endif
