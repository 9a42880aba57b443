/* The last stage: from an init process inside all its namespaces, or a process outside that joins them, to the user's
 * program. Does what plan.h says, in the
 * order of enum stage_step, and nothing else. Freestanding: no C library, no allocation but one mmap. */
#include <asm/fcntl.h>
#include <asm/ioctls.h>
#include <asm/signal.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/fcntl.h>
#include <linux/filter.h>
#include <linux/keyctl.h>
#include <linux/mman.h>
#include <linux/poll.h>
#include <linux/prctl.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <linux/stat.h>
#include <linux/time.h>
#include <linux/wait.h>

#include "runtime/stub/plan_check.h"
#include "runtime/stub/syscalls.h"

#define LAST_SIGNAL 64
#define IO_PRIORITY_OF_PROCESS 1 /* IOPRIO_WHO_PROCESS of ioprio_set(2); its header is not the same everywhere */
#define LAST_CAPABILITY 63

/* struct sigaction as rt_sigaction(2) has it; all zero is SIG_DFL. */
struct kernel_sigaction {
  void *handler;
  unsigned long flags;
  void *restorer;
  uint64_t mask;
};

static const unsigned char *plan_bytes;
static const struct stage_plan *plan;
static char **program_argv;
static char **program_envp;

static _Noreturn void report_and_exit(struct stage_report report) {
  int code = STAGE_EXIT_FAILED;
  if (report.step == STAGE_STEP_EXEC_LOOKUP) code = STAGE_EXIT_NOT_FOUND;
  if (report.step == STAGE_STEP_EXEC) code = STAGE_EXIT_NOT_USABLE;
  syscall3(__NR_write, plan->report_fd, ptr(&report), sizeof report);
  exit_now(code);
}

/* Without a plan somebody executed us by mistake: a container's program that is called /proc/self/exe, for example. */
static _Noreturn void refuse_to_run(void) {
  static const char text[] =
      "engine: this is the last stage of starting a container, not a program to be run by itself\n";
  syscall3(__NR_write, 2, ptr(text), sizeof text - 1);
  exit_now(STAGE_EXIT_FAILED);
}

static _Noreturn void fail(int step, long result) {
  if (plan == 0) refuse_to_run();
  report_and_exit((struct stage_report){step, (int32_t)-result, 0, 0});
}

static void must(int step, long result) {
  if (result < 0) fail(step, result);
}

static int has_flag(enum stage_flag flag) { return (plan->flags & (uint32_t)flag) != 0; }

static const char *string_at(uint32_t offset) { return (const char *)plan_bytes + offset; }

/* argv[1] of the stub: a decimal descriptor. */
static long parse_descriptor(const char *text) {
  long value = 0;
  if (*text == 0) return -1;
  for (; *text != 0; text++) {
    if (*text < '0' || *text > '9' || value > 1000000) return -1;
    value = value * 10 + (*text - '0');
  }
  return value;
}

static void map_plan(long fd) {
  const long size = syscall3(__NR_lseek, fd, 0, 2 /* SEEK_END */);
  long address;
  if (size <= 0 || size > (long)STAGE_PLAN_MAX_BYTES) fail(STAGE_STEP_PLAN, -EINVAL);
  address = syscall6(__NR_mmap, 0, size, PROT_READ, MAP_PRIVATE, fd, 0);
  must(STAGE_STEP_PLAN, address);
  plan_bytes = (const unsigned char *)(uintptr_t)address;
  if (!stage_plan_is_valid(plan_bytes, (uint64_t)size)) fail(STAGE_STEP_PLAN, -EINVAL);
  plan = (const struct stage_plan *)(const void *)plan_bytes;
  syscall1(__NR_close, fd);
}

static void fill_strings(char **to, uint32_t offsets, uint32_t count) {
  for (uint32_t index = 0; index < count; index++)
    to[index] = (char *)(uintptr_t)string_at(plan_load_u32(plan_bytes, offsets + index * 4ull));
  to[count] = 0;
}

#include "runtime/stub/belongings.h"
#include "runtime/stub/execute.h"
#include "runtime/stub/join.h"
#include "runtime/stub/seccomp_agent.h"
#include "runtime/stub/serve_as_init.h"
#include "runtime/stub/start_hooks.h"

static void make_string_arrays(void) {
  const uint64_t slots = (uint64_t)plan->argc + plan->envc + 3; /* two ends, and HOME */
  const long address = syscall6(__NR_mmap, 0, (long)(slots * sizeof(char *)), PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  must(STAGE_STEP_PLAN, address);
  program_argv = (char **)(uintptr_t)address;
  program_envp = program_argv + plan->argc + 1;
  fill_strings(program_argv, plan->argv, plan->argc);
  fill_strings(program_envp, plan->envp, plan->envc);
}

static void wait_for_start(void) {
  char byte = 0;
  long got;
  if (plan->start_fd < 0) return;
  do got = syscall3(__NR_read, plan->start_fd, ptr(&byte), 1);
  while (got == -EINTR);
  must(STAGE_STEP_WAIT, got);
  if (got == 0) fail(STAGE_STEP_WAIT, -EPIPE); /* whoever should have started us is gone */
  if (byte == STAGE_START_NEVER) exit_now(STAGE_EXIT_FAILED); /* our maker was killed, and nobody knows our pid */
}

/* Handlers went with the exec that started us; what was ignored would stay so. */
static void reset_signals(void) {
  for (long signal = 1; signal <= LAST_SIGNAL; signal++)
    if ((plan->ignored_signals >> (signal - 1) & 1) != 0) set_signal_action(signal, 0);
  set_signal_mask(0);
}

static void start_session(void) {
  if (has_flag(STAGE_SETSID)) {
    const long result = syscall0(__NR_setsid);
    if (result != -EPERM || syscall1(__NR_getsid, 0) != syscall0(__NR_getpid)) must(STAGE_STEP_SESSION, result);
  }
  if (has_flag(STAGE_CONTROLLING_TTY)) must(STAGE_STEP_TTY, syscall3(__NR_ioctl, 0, TIOCSCTTY, 0));
}

/* A keyring is good to have, but kernels without keys, with a full quota or an outer filter still run containers. */
static void start_keyring(void) {
  long result;
  if (!has_flag(STAGE_NEW_KEYRING)) return;
  result = syscall2(__NR_keyctl, KEYCTL_JOIN_SESSION_KEYRING, 0);
  if (result != -ENOSYS && result != -EDQUOT && result != -EPERM) must(STAGE_STEP_KEYRING, result);
}

static void set_rlimits(void) {
  const struct stage_rlimit *limits = (const struct stage_rlimit *)(const void *)(plan_bytes + plan->rlimits);
  for (uint32_t index = 0; index < plan->rlimit_count; index++) {
    const struct rlimit64 limit = {limits[index].soft, limits[index].hard};
    must(STAGE_STEP_RLIMIT, syscall4(__NR_prlimit64, 0, limits[index].resource, ptr(&limit), 0));
  }
}

static void set_scheduling(void) {
  if (plan->affinity_words != 0)
    must(STAGE_STEP_AFFINITY,
         syscall3(__NR_sched_setaffinity, 0, plan->affinity_words * 8l, ptr(plan_bytes + plan->affinity)));
  if (plan->scheduler != 0)
    must(STAGE_STEP_SCHEDULER, syscall3(__NR_sched_setattr, 0, ptr(plan_bytes + plan->scheduler), 0));
  if (has_flag(STAGE_SET_IO_PRIORITY))
    must(STAGE_STEP_IO_PRIORITY, syscall3(__NR_ioprio_set, IO_PRIORITY_OF_PROCESS, 0, plan->io_priority));
}

static void set_memory_policy(void) {
  const long nodes = plan->node_words == 0 ? 0 : ptr(plan_bytes + plan->nodes);
  /* The kernel takes one from the number of bits. */
  const long bits = plan->node_words == 0 ? 0 : plan->node_words * 64l + 1;
  if (has_flag(STAGE_SET_MEMORY_POLICY))
    must(STAGE_STEP_MEMORY_POLICY, syscall3(__NR_set_mempolicy, (long)plan->memory_mode, nodes, bits));
  if (has_flag(STAGE_SET_PERSONALITY))
    must(STAGE_STEP_PERSONALITY, syscall1(__NR_personality, (long)plan->personality));
}

/* A process may only label itself, so it opens the file itself. The directory is the host's, from which ".." leads out:
 * it is closed before any path of the container is followed. */
static void write_label(void) {
  const char *label = string_at(plan->label);
  long fd;
  if (plan->label_fd < 0) return;
  fd = syscall4(__NR_openat, plan->label_fd, ptr(string_at(plan->label_file)), O_WRONLY | O_CLOEXEC, 0);
  must(STAGE_STEP_LABEL, fd);
  must(STAGE_STEP_LABEL, syscall3(__NR_write, fd, ptr(label), (long)text_length(label)));
  syscall1(__NR_close, fd);
  syscall1(__NR_close, plan->label_fd);
}

static void drop_bounding(void) {
  for (long capability = 0; capability <= LAST_CAPABILITY; capability++) {
    long result;
    if ((plan->bounding >> capability & 1) != 0) continue;
    result = syscall2(__NR_prctl, PR_CAPBSET_DROP, capability);
    if (result == -EINVAL) return; /* beyond the last one this kernel knows */
    /* Not permitted, and not needed where it is gone already. */
    if (result < 0 && syscall2(__NR_prctl, PR_CAPBSET_READ, capability) != 0) fail(STAGE_STEP_BOUNDING, result);
  }
}

static void load_filter(void) {
  struct sock_fprog program;
  long result;
  program.len = (unsigned short)plan->seccomp_count;
  program.filter = (struct sock_filter *)(uintptr_t)(plan_bytes + plan->seccomp);
  result = syscall3(__NR_seccomp, SECCOMP_SET_MODE_FILTER, (long)plan->seccomp_flags, ptr(&program));
  must(STAGE_STEP_SECCOMP, result);
  if ((plan->seccomp_flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0) tell_agent((int)result);
}

static void set_ids(void) {
  if (has_flag(STAGE_SET_GROUPS))
    must(STAGE_STEP_GROUPS, syscall2(__NR_setgroups, plan->group_count, ptr(plan_bytes + plan->groups)));
  must(STAGE_STEP_GID, syscall3(__NR_setresgid, plan->gid, plan->gid, plan->gid));
  forbid_tracing(); /* every change of ids undoes it where fs.suid_dumpable is set */
  must(STAGE_STEP_UID, syscall2(__NR_prctl, PR_SET_KEEPCAPS, 1)); /* the exec clears it again */
  must(STAGE_STEP_UID, syscall3(__NR_setresuid, plan->uid, plan->uid, plan->uid));
}

static void set_capabilities(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
  for (int half = 0; half < _LINUX_CAPABILITY_U32S_3; half++) {
    data[half].effective = (uint32_t)(plan->effective >> (32 * half));
    data[half].permitted = (uint32_t)(plan->permitted >> (32 * half));
    data[half].inheritable = (uint32_t)(plan->inheritable >> (32 * half));
  }
  must(STAGE_STEP_CAPS, syscall2(__NR_capset, ptr(&header), ptr(data)));
  syscall5(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
  for (long capability = 0; capability <= LAST_CAPABILITY; capability++)
    if ((plan->ambient >> capability & 1) != 0)
      must(STAGE_STEP_AMBIENT, syscall5(__NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, capability, 0, 0));
}

/* Nobody reads our reports any more: the parent died before the signal was armed. */
static void die_with_parent(void) {
  struct pollfd reader = {(int)plan->report_fd, 0, 0};
  const struct time_span at_once = {0, 0};
  if (!has_flag(STAGE_DIE_WITH_PARENT)) return;
  syscall2(__NR_prctl, PR_SET_PDEATHSIG, SIGKILL);
  if (syscall5(__NR_ppoll, ptr(&reader), 1, ptr(&at_once), 0, 0) == 1) exit_now(STAGE_EXIT_FAILED);
}

/* The kernel prefixes "(unreachable)" when the directory is outside our root (CVE-2024-21626). */
static void enter_directory(void) {
  static char path[4096];
  long length;
  if (has_flag(STAGE_SET_UMASK)) syscall1(__NR_umask, plan->umask_value);
  must(STAGE_STEP_CWD, syscall1(__NR_chdir, ptr(string_at(plan->cwd))));
  length = syscall2(__NR_getcwd, ptr(path), sizeof path);
  must(STAGE_STEP_CWD, length);
  if (path[0] != '/') fail(STAGE_STEP_CWD, -ENOENT);
}

static _Noreturn void execute(void) {
  int is_missing = 0;
  const long result = execute_as_asked(program_argv, program_envp, string_at(plan->search_path), &is_missing);
  fail(is_missing ? STAGE_STEP_EXEC_LOOKUP : STAGE_STEP_EXEC, result);
}

static _Noreturn void run_program(void) {
  if (has_flag(STAGE_HAS_SECCOMP) && has_flag(STAGE_NO_NEW_PRIVS)) load_filter();
  execute();
}

/* In its own process group, which is the terminal's foreground, so that Ctrl-C reaches it once and not through us, too. */
static _Noreturn void run_program_as_child(void) {
  const int group = (int)syscall0(__NR_getpid);
  syscall2(__NR_setpgid, 0, 0);
  if (has_flag(STAGE_CONTROLLING_TTY)) syscall3(__NR_ioctl, 0, TIOCSPGRP, ptr(&group)); /* SIGTTOU is blocked */
  set_signal_mask(0);
  run_program();
}

static _Noreturn void run_program_below_init(void) {
  long pid;
  set_signal_mask(~0ull);
  pid = syscall5(__NR_clone, SIGCHLD, 0, 0, 0, 0); /* a fork */
  must(STAGE_STEP_FORK, pid);
  if (pid == 0) run_program_as_child();
  serve_as_init(pid);
}

static void take_identity(void) {
  drop_bounding();
  if (has_flag(STAGE_NO_NEW_PRIVS)) must(STAGE_STEP_NO_NEW_PRIVS, syscall5(__NR_prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
  set_ids();
  forbid_tracing();
  set_capabilities();
  forbid_tracing();
  die_with_parent();
}

__attribute__((used)) _Noreturn void stub_main(const long *stack) {
  const char *const *argv = (const char *const *)(stack + 1);
  forbid_tracing();
  if (stack[0] != 2) refuse_to_run();
  map_plan(parse_descriptor(argv[1]));
  make_string_arrays();
  wait_for_start();
  set_oom_score();
  join_container();
  write_label();
  give_streams();
  add_home();
  reset_signals();
  start_session();
  start_keyring();
  set_rlimits();
  set_scheduling();
  set_memory_policy();
  /* Only marked, and before a filter that may not know this call: the report still goes out. */
  must(STAGE_STEP_FDS, close_range_or_each(3 + plan->preserve_fds, ~0u, CLOSE_RANGE_CLOEXEC));
  if (has_flag(STAGE_HAS_SECCOMP) && !has_flag(STAGE_NO_NEW_PRIVS)) load_filter();
  take_identity();
  enter_directory();
  run_hooks();
  if (has_flag(STAGE_TINY_INIT)) run_program_below_init();
  run_program();
}
