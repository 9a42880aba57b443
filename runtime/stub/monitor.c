/* The monitor: waits for a container's init, carries its terminal or pipes to the log and to attached commands, and
 * records how it ended. Freestanding; all memory is static. See monitor_plan.h. */
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/close_range.h>
#include <linux/fcntl.h>
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/wait.h>

#include "runtime/stub/attach_clients.h"
#include "runtime/stub/event_line.h"
#include "runtime/stub/journal_lines.h"
#include "runtime/stub/left_behind.h"
#include "runtime/stub/log_lines.h"
#include "runtime/stub/monitor_execute.h"
#include "runtime/stub/monitor_timers.h"
#include "runtime/stub/oom_count.h"
#include "runtime/stub/plan_check.h"
#include "runtime/stub/ready_relay.h"
#include "runtime/stub/syscalls.h"
#include "runtime/stub/told_to_end.h"
#include "runtime/stub/whole_file.h"

#define HUNG_RETRY_MILLISECONDS 250
#define RECORD_DESPITE_STALL_MILLISECONDS 1000
#define UNKNOWN_EXIT_CODE 255

/* Where output comes from. */
struct source {
  int fd; /* -1: at its end */
  enum attach_type type;
  int is_hung; /* a pty that nobody in the container has open at the moment */
};

enum phase { RUNNING, DRAINING, SAYING_GOODBYE };

static const unsigned char *plan_bytes;
static const struct monitor_plan *plan;
static enum phase phase = RUNNING;
static struct source sources[2] = {{-1, ATTACH_STDOUT, 0}, {-1, ATTACH_STDERR, 0}};
static int signal_fd = -1;
static int input_fd = -1; /* the container's stdin or pty */
static unsigned char input[1 + ATTACH_MAX_PAYLOAD];
static size_t input_at, input_end; /* what input_fd has not taken yet */
static int exit_status; /* as wait4 has it, or -1 */
static int64_t ended_at; /* monotonic milliseconds */
static struct timestamp ended_wall_clock;
static int is_recorded;
static int oom_fd = -1;
static int had_oom_kill;
static int oom_above_fd = -1; /* the count of the cgroup above, where the container's is a scope of systemd */
static int64_t kills_above;   /* what it was when none of the container had been killed, last time that we looked */

/* ---- Start ---- */

static const char *string_at(uint32_t offset) { return (const char *)plan_bytes + offset; }

static long parse_descriptor(const char *text) {
  long value = 0;
  for (; *text >= '0' && *text <= '9' && value < 1000000; text++) value = value * 10 + (*text - '0');
  return value;
}

static void map_plan(long fd) {
  const long size = syscall3(__NR_lseek, fd, 0, 2 /* SEEK_END */);
  long address;
  if (size <= 0 || size > (long)MONITOR_PLAN_MAX_BYTES) exit_now(125);
  address = syscall6(__NR_mmap, 0, size, PROT_READ, MAP_PRIVATE, fd, 0);
  if (address < 0 && address > -4096) exit_now(125);
  plan_bytes = (const unsigned char *)(uintptr_t)address;
  if (!monitor_plan_is_valid(plan_bytes, (uint64_t)size)) exit_now(125);
  plan = (const struct monitor_plan *)(const void *)plan_bytes;
}

static void close_what_is_not_ours(void) {
  const int32_t kept[] = {plan->init_pidfd,      plan->terminal_fd, plan->stdin_fd,         plan->stdout_fd,
                          plan->stderr_fd,       plan->log_fd,      plan->listen_fd,        plan->client_fd,
                          plan->alive_fd,        plan->oom_fd,      plan->container_fd,     plan->network_exit_fd,
                          plan->log_directory_fd, plan->journal_fd, plan->notify_fd, plan->first_pidfd};
  const long null = syscall4(__NR_openat, AT_FDCWD, ptr("/dev/null"), O_RDWR, 0);
  for (long fd = 0; fd < 3 && null >= 0; fd++) syscall3(__NR_dup3, null, fd, 0);
  close_all_but(kept, sizeof kept / sizeof kept[0]);
}

static void set_nonblocking(int fd) {
  const long flags = fd < 0 ? -1 : syscall3(__NR_fcntl, fd, F_GETFL, 0);
  if (flags >= 0) syscall3(__NR_fcntl, fd, F_SETFL, flags | O_NONBLOCK);
}

/* Ignored but for those that are read, so that a closed terminal does not take the container's witness away. */
static void start_signals(void) {
  const struct kernel_sigaction by_default = {0, 0, 0, 0};
  const uint64_t child = 1ull << (SIGCHLD - 1), ours = child | 1ull << (SIGTERM - 1);
  set_all_signals(1);
  syscall4(__NR_rt_sigaction, SIGCHLD, ptr(&by_default), 0, KERNEL_SIGSET_BYTES);
  syscall4(__NR_rt_sigprocmask, SIG_SETMASK, ptr(&ours), 0, KERNEL_SIGSET_BYTES);
  signal_fd = (int)syscall4(__NR_signalfd4, -1, ptr(&child), KERNEL_SIGSET_BYTES, O_NONBLOCK | O_CLOEXEC);
  listen_for_end();
}

static void start_streams(void) {
  const int is_terminal = (plan->flags & MONITOR_TTY) != 0;
  sources[0].fd = is_terminal ? plan->terminal_fd : plan->stdout_fd;
  sources[1].fd = is_terminal ? -1 : plan->stderr_fd;
  input_fd = is_terminal ? plan->terminal_fd : plan->stdin_fd;
  for (int index = 0; index < 2; index++) set_nonblocking(sources[index].fd);
  set_nonblocking(input_fd);
  set_nonblocking(plan->listen_fd);
  start_clients(plan->client_fd);
  notify_fd = plan->notify_fd;
  open_log((plan->flags & MONITOR_LOG) != 0 ? plan->log_fd : -1, plan->log_directory_fd, string_at(plan->log_name),
           plan->log_max_bytes, plan->log_max_files);
  start_timers(plan);
}

/* ---- The container's end ---- */

static int exit_code(void) {
  if (exit_status < 0 || timers.has_killed) return UNKNOWN_EXIT_CODE; /* as podman has it for --timeout */
  return (exit_status & 0x7f) != 0 ? 128 + (exit_status & 0x7f) : (exit_status >> 8) & 0xff;
}

/* Again at the end, and not only then: a scope's cgroup is removed by systemd as soon as nobody is in it. A kill is counted
 * in the cgroup itself first, so what is read above before that is no kill of ours when there is none yet. */
static void look_for_oom_kills(void) {
  if (oom_fd < 0) return;
  const int64_t above = read_oom_count(oom_above_fd);
  const int64_t found = read_oom_count(oom_fd);
  if (found > 0) had_oom_kill = 1;
  if (found != 0) oom_fd = -1;
  else kills_above = above;
}

/* systemd was faster than we: the container was killed, and one more is counted above than a moment ago. */
static int was_killed_unseen(int status) {
  return (status & 0x7f) == SIGKILL && oom_above_fd >= 0 && read_oom_count(oom_above_fd) > kills_above;
}

static void count_oom_kills_at(int fd) {
  if (oom_fd >= 0) syscall1(__NR_close, oom_fd);
  if (oom_above_fd >= 0) syscall1(__NR_close, oom_above_fd);
  oom_fd = fd;
  oom_above_fd = open_count_above(fd);
  look_for_oom_kills();
}

static void note_end(int status) {
  look_for_oom_kills();
  if (!had_oom_kill && oom_fd < 0 && was_killed_unseen(status)) had_oom_kill = 1;
  exit_status = status;
  ended_at = monotonic_milliseconds();
  ended_wall_clock = wall_clock();
  phase = DRAINING;
}

/* Init and, as we are their subreaper, orphans of containers without a pid namespace of their own. */
static void reap(void) {
  unsigned char drained[128];
  long pid;
  int status = 0;
  while (signal_fd >= 0 && syscall3(__NR_read, signal_fd, ptr(drained), sizeof drained) > 0) continue;
  while ((pid = syscall4(__NR_wait4, -1, ptr(&status), WNOHANG, 0)) > 0) {
    note_child_end(plan, pid, status);
    if (pid == plan->init_pid && phase == RUNNING) note_end(status);
  }
  if (pid == -ECHILD && phase == RUNNING) note_end(-1); /* somebody else reaped it: we shall never know */
}

static size_t exit_text(char *text) {
  char *at = put_number(text, exit_code());
  memcpy(at, exit_status >= 0 && (exit_status & 0x7f) != 0 ? " 1 0 " : " 0 0 ", 5);
  if (had_oom_kill) at[3] = '1';
  at = put_number(at + 5, ended_wall_clock.seconds);
  *at++ = '.';
  put_digits(at, 9, ended_wall_clock.nanoseconds);
  at += 9;
  *at++ = '\n';
  return (size_t)(at - text);
}

static void note_end_events(void) {
  if ((plan->flags & MONITOR_SESSION) != 0) return note_event(plan, "exec_died", exit_code(), ended_wall_clock);
  note_event(plan, "died", exit_code(), ended_wall_clock);
  if ((plan->flags & MONITOR_AUTO_REMOVE) == 0) note_event(plan, "cleanup", 0, ended_wall_clock); /* else it is removed, which the clean-up tells */
}

static void record_exit(void) {
  char text[64];
  const size_t size = exit_text(text);
  if (is_recorded || plan->container_fd < 0) return;
  is_recorded = 1;
  note_end_events();
  if ((plan->flags & MONITOR_SESSION) != 0) syscall3(__NR_unlinkat, plan->container_fd, ptr(string_at(plan->exit_name)), 0);
  else write_whole_file(plan->container_fd, string_at(plan->exit_name), text, size);
}

/* ---- Streams ---- */

static void end_source(struct source *source) {
  if (source->fd != input_fd) syscall1(__NR_close, source->fd); /* a pty may still take input */
  source->fd = -1;
}

static void read_source(struct source *source) {
  const long got = syscall3(__NR_read, source->fd, ptr(message + 1), ATTACH_MAX_PAYLOAD);
  source->is_hung = 0;
  if (got > 0) {
    if (plan->journal_fd >= 0)
      journal_output(plan, source->type == ATTACH_STDERR, (const char *)message + 1, (size_t)got);
    else
      log_output(source->type == ATTACH_STDOUT ? "stdout" : "stderr", (const char *)message + 1, (size_t)got);
    offer_message(source->type, (size_t)got);
  } else if (got == -EIO && phase == RUNNING) {
    source->is_hung = 1; /* no slave is open; one may be again */
  } else if (got != -EINTR && (got != -EAGAIN || phase != RUNNING)) {
    end_source(source); /* with init its whole pid namespace is dead: what has not come by now never will */
  }
}

static void close_input(void) {
  if (input_fd >= 0 && (plan->flags & MONITOR_TTY) == 0) syscall1(__NR_close, input_fd);
  if ((plan->flags & MONITOR_TTY) == 0) input_fd = -1;
  input_at = input_end = 0;
}

static void flush_input(void) {
  while (input_at < input_end && input_fd >= 0) {
    const long wrote = syscall3(__NR_write, input_fd, ptr(input + input_at), (long)(input_end - input_at));
    if (wrote == -EAGAIN || wrote == -EINTR) return;
    if (wrote < 0) close_input();
    else input_at += (size_t)wrote;
  }
  input_at = input_end = 0; /* nobody to take it: it is thrown away */
}

static void resize_terminal(const unsigned char *payload) {
  uint16_t size[4] = {0, 0, 0, 0}; /* struct winsize: rows, columns, pixels */
  memcpy(size, payload, 4);
  if (plan->terminal_fd >= 0) syscall3(__NR_ioctl, plan->terminal_fd, TIOCSWINSZ, ptr(size));
}

/* Only called when all earlier input has been taken. */
static void read_client(struct client *client) {
  int passed = -1;
  const long got = receive_message(client->fd, input, sizeof input, &passed);
  if (got == -EAGAIN || got == -EINTR) return;
  if (got == 1 && input[0] == ATTACH_OOM_COUNT && passed >= 0) return count_oom_kills_at(passed);
  if (passed >= 0) syscall1(__NR_close, passed);
  if (got <= 0 || got > (long)sizeof input) {
    drop_client(client);
  } else if (input[0] == ATTACH_STDIN) {
    input_at = 1;
    input_end = (size_t)got;
    flush_input();
  } else if (input[0] == ATTACH_STDIN_END) {
    close_input();
  } else if (input[0] == ATTACH_RESIZE && got == 5) {
    resize_terminal(input + 1);
  } else {
    drop_client(client);
  }
}

/* ---- The loop ---- */

enum { POLL_CHILDREN, POLL_TOLD, POLL_INIT, POLL_OOM, POLL_OOM_ABOVE, POLL_LISTEN, POLL_INPUT, POLL_NOTIFY, POLL_FIRST, POLL_SOURCES, POLL_CLIENTS = POLL_SOURCES + 2 };
#define POLL_COUNT (POLL_CLIENTS + MONITOR_MAX_CLIENTS)

static struct pollfd polled[POLL_COUNT];

static void watch(int slot, int fd, int events) { polled[slot] = (struct pollfd){fd, (short)events, 0}; }

/* A descriptor that would only say "hung up" again and again is left out (-1). */
static void fill_polled(void) {
  const int is_held = anyone_owes();
  const int has_input = input_at < input_end;
  watch(POLL_CHILDREN, signal_fd, POLLIN);
  watch(POLL_TOLD, told_fd, POLLIN);
  watch(POLL_INIT, phase == RUNNING ? plan->init_pidfd : -1, POLLIN);
  watch(POLL_OOM, phase == RUNNING ? oom_fd : -1, POLLPRI);
  watch(POLL_OOM_ABOVE, phase == RUNNING && oom_fd >= 0 ? oom_above_fd : -1, POLLPRI);
  watch(POLL_LISTEN, phase == RUNNING ? plan->listen_fd : -1, POLLIN);
  watch(POLL_INPUT, has_input ? input_fd : -1, POLLOUT);
  watch(POLL_NOTIFY, notify_fd, POLLIN);
  watch(POLL_FIRST, phase == RUNNING ? plan->first_pidfd : -1, POLLIN);
  for (int index = 0; index < 2; index++)
    watch(POLL_SOURCES + index, is_held || sources[index].is_hung ? -1 : sources[index].fd, POLLIN);
  for (int index = 0; index < MONITOR_MAX_CLIENTS; index++) {
    const int events = (clients[index].owes ? POLLOUT : 0) | (has_input ? 0 : POLLIN);
    watch(POLL_CLIENTS + index, events == 0 ? -1 : clients[index].fd, events);
  }
}

/* Milliseconds until something must be looked at again without an event; -1: never. */
static int64_t patience(void) {
  int64_t limit = phase == RUNNING ? timer_patience() : -1;
  if (limit >= 0 && limit < HUNG_RETRY_MILLISECONDS) return limit;
  if (sources[0].is_hung) limit = HUNG_RETRY_MILLISECONDS;
  for (int index = 0; index < MONITOR_MAX_CLIENTS; index++)
    if (clients[index].fd >= 0 && clients[index].owes && !clients[index].is_first) limit = HUNG_RETRY_MILLISECONDS;
  if (phase != RUNNING && !is_recorded) limit = HUNG_RETRY_MILLISECONDS;
  return limit;
}

static void wait_for_events(void) {
  const int64_t limit = patience();
  const int64_t timeout[2] = {limit / 1000, limit % 1000 * 1000000};
  fill_polled();
  if (syscall5(__NR_ppoll, ptr(polled), POLL_COUNT, limit < 0 ? 0 : ptr(timeout), 0, 0) < 0)
    for (int slot = 0; slot < POLL_COUNT; slot++) polled[slot].revents = 0;
}

static void serve_clients(void) {
  deliver_to_all();
  for (int index = 0; index < MONITOR_MAX_CLIENTS; index++)
    if (clients[index].fd >= 0 && polled[POLL_CLIENTS + index].revents != 0 && input_at == input_end)
      read_client(&clients[index]);
  if (polled[POLL_LISTEN].revents != 0) accept_client(plan->listen_fd);
}

/* While draining, sources are read until they are empty, whether or not poll(2) said so. */
static void serve_sources(void) {
  for (int index = 0; index < 2; index++) {
    struct source *source = &sources[index];
    if (source->fd < 0 || anyone_owes()) continue;
    if (phase != RUNNING || source->is_hung || polled[POLL_SOURCES + index].revents != 0) read_source(source);
  }
}

static void say_goodbye(void) {
  const int32_t code = exit_code();
  record_exit();
  memcpy(message + 1, &code, sizeof code);
  offer_message(ATTACH_EXIT, sizeof code);
  phase = SAYING_GOODBYE;
}

static void watch_container(void) {
  if (plan->oom_fd >= 0) count_oom_kills_at(plan->oom_fd);
  reap(); /* init may have died before we listened */
  for (;;) {
    if (phase == DRAINING && sources[0].fd < 0 && sources[1].fd < 0 && !anyone_owes()) say_goodbye();
    if (phase == SAYING_GOODBYE && !anyone_owes()) return;
    if (phase != DRAINING || anyone_owes()) wait_for_events();
    if (polled[POLL_CHILDREN].revents != 0 || polled[POLL_INIT].revents != 0) reap();
    if (polled[POLL_TOLD].revents != 0) hear_end(plan, phase == RUNNING);
    if (polled[POLL_OOM].revents != 0 || polled[POLL_OOM_ABOVE].revents != 0) look_for_oom_kills();
    if (polled[POLL_NOTIFY].revents != 0) read_notify_socket(plan);
    if (polled[POLL_FIRST].revents != 0) syscall4(__NR_pidfd_send_signal, plan->init_pidfd, SIGKILL, 0, 0);
    if (phase == RUNNING) serve_timers(plan);
    flush_input();
    serve_clients();
    serve_sources();
    if (phase != RUNNING && monotonic_milliseconds() - ended_at > RECORD_DESPITE_STALL_MILLISECONDS) record_exit();
  }
}

/* ---- Clean-up ---- */

static int wants_clean_up(void) {
  if (plan->cleanup_argc == 0 || (plan->flags & MONITOR_IF_ASKED) == 0) return plan->cleanup_argc != 0;
  return syscall3(__NR_faccessat, plan->container_fd, ptr(MONITOR_CLEANUP_FILE), 0) == 0;
}

static _Noreturn void clean_up(void) {
  const int keeps = (plan->flags & MONITOR_AUTO_REMOVE) != 0 && clients[0].fd >= 0 && clients[0].is_first;
  hear_end(plan, 0); /* the container's end may have been noticed before that */
  if (!wants_clean_up()) exit_now(exit_code());
  execute_engine(plan, plan->cleanup_argv, plan->cleanup_argc, keeps ? clients[0].fd : -1);
}

__attribute__((used)) _Noreturn void stub_main(const long *stack) {
  const char *const *argv = (const char *const *)(stack + 1);
  syscall2(__NR_prctl, PR_SET_DUMPABLE, 0);
  if (stack[0] != 2) exit_now(125);
  map_plan(parse_descriptor(argv[1]));
  syscall2(__NR_prctl, PR_SET_NAME, ptr("engine-monitor"));
  syscall2(__NR_prctl, PR_SET_CHILD_SUBREAPER, 1);
  syscall0(__NR_setsid); /* EPERM: we lead a session already */
  syscall1(__NR_chdir, ptr("/"));
  close_what_is_not_ours();
  start_signals();
  start_streams();
  watch_container();
  if ((plan->flags & MONITOR_ENDS_ALL) != 0) end_what_is_left(signal_fd);
  if (plan->first_pidfd >= 0) stay_for_what_is_left(signal_fd, plan->first_pidfd);
  clean_up();
}
