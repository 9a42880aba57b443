/* What the last stage (stage.c) is told. One flat buffer in a sealed memfd, read by the freestanding stub, written by
 * runtime/stub_plan.cpp. The stub is executed as {"engine-stage", "<decimal number of the plan's descriptor>"} with an
 * empty environment. All offsets are from the start of the buffer; every one is checked against total_size by both
 * sides (plan_check.h). The buffer's last byte is NUL, so every string ends inside it; string lists are arrays of u32
 * offsets. C subset shared with C++. */
#ifndef ENGINE_STUB_PLAN_H
#define ENGINE_STUB_PLAN_H

#include <stdint.h>

#define STAGE_PLAN_MAGIC 0x656e676eu /* "engn" */
#define STAGE_PLAN_VERSION 3u
#define STAGE_PLAN_MAX_BYTES (16u << 20)

/* In place of the start byte: to end at once, without a report. */
#define STAGE_START_NEVER 'x'

/* How the stub ends when it never came to the program. */
#define STAGE_EXIT_NOT_FOUND 127 /* step EXEC_LOOKUP */
#define STAGE_EXIT_NOT_USABLE 126 /* step EXEC */
#define STAGE_EXIT_FAILED 125     /* every other step */

enum stage_flag {
  STAGE_NO_NEW_PRIVS = 1 << 0,
  STAGE_SETSID = 1 << 1,
  STAGE_CONTROLLING_TTY = 1 << 2, /* TIOCSCTTY on fd 0 */
  STAGE_NEW_KEYRING = 1 << 3,
  STAGE_TINY_INIT = 1 << 4,       /* stay as pid 1: fork the program, forward signals, reap, exit with its status */
  STAGE_SET_GROUPS = 1 << 5,      /* setgroups is permitted: set exactly `groups` */
  STAGE_SET_UMASK = 1 << 6,
  STAGE_HAS_SECCOMP = 1 << 7,
  STAGE_DIE_WITH_PARENT = 1 << 8, /* PR_SET_PDEATHSIG SIGKILL, again: the kernel forgets it when ids change */
  STAGE_SET_IO_PRIORITY = 1 << 9,
  STAGE_SET_PERSONALITY = 1 << 10,
  STAGE_SET_MEMORY_POLICY = 1 << 11,
  STAGE_SET_OOM_SCORE = 1 << 12,
  STAGE_ADD_HOME = 1 << 13        /* HOME, which `envp` has not, from the /etc/passwd of the root file system */
};

/* Where it failed; the parent turns it into words. Order is the order of work, but for the filter: without
 * no-new-privileges the kernel takes it only from a process with CAP_SYS_ADMIN, so it is then loaded before BOUNDING. */
enum stage_step {
  STAGE_STEP_JOINED = 0, /* no failure: the process goes on in the container as one whose pid is `code` */
  STAGE_STEP_PLAN,
  STAGE_STEP_WAIT,
  STAGE_STEP_OOM_SCORE,
  STAGE_STEP_JOIN,
  STAGE_STEP_LABEL,
  STAGE_STEP_SESSION,
  STAGE_STEP_TTY,
  STAGE_STEP_KEYRING,
  STAGE_STEP_RLIMIT,
  STAGE_STEP_AFFINITY,
  STAGE_STEP_SCHEDULER,
  STAGE_STEP_IO_PRIORITY,
  STAGE_STEP_MEMORY_POLICY,
  STAGE_STEP_PERSONALITY,
  STAGE_STEP_FDS,
  STAGE_STEP_BOUNDING,
  STAGE_STEP_NO_NEW_PRIVS,
  STAGE_STEP_GROUPS,
  STAGE_STEP_GID,
  STAGE_STEP_UID,
  STAGE_STEP_CAPS,
  STAGE_STEP_AMBIENT,
  STAGE_STEP_CWD,
  STAGE_STEP_HOOK,
  STAGE_STEP_SECCOMP,
  STAGE_STEP_AGENT,
  STAGE_STEP_FORK,
  STAGE_STEP_EXEC_LOOKUP, /* not found in PATH: 127 */
  STAGE_STEP_EXEC
};

struct stage_report {
  int32_t step; /* enum stage_step */
  int32_t code; /* errno; 0 for a hook that ran and failed, ETIMEDOUT for one that was killed */
  int32_t hook; /* step HOOK: which one, from 0 */
  int32_t hook_status; /* step HOOK, code 0: as wait4(2) has it */
};

struct stage_rlimit {
  uint32_t resource;
  uint32_t padding;
  uint64_t soft, hard;
};

/* struct sched_attr of sched_setattr(2), version 1. */
struct stage_scheduler {
  uint32_t size, policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime, deadline, period;
  uint32_t clamp_min, clamp_max;
};

struct stage_hook {
  uint32_t path;
  uint32_t argc, argv;
  uint32_t envc, envp;
  uint32_t timeout_seconds; /* 0: none */
};

struct stage_plan {
  uint32_t magic, version;
  uint32_t total_size;
  uint32_t flags; /* enum stage_flag */
  uint32_t uid, gid, umask_value;
  uint32_t report_fd;      /* stage_report is written here on failure; made close-on-exec by the stub */
  int32_t start_fd;        /* read one byte before going on, but end for STAGE_START_NEVER; -1: none */
  uint32_t preserve_fds;   /* descriptors 0 .. 2 + preserve_fds stay open */
  uint64_t bounding, permitted, effective, inheritable, ambient; /* capability bits */
  uint32_t group_count, groups;     /* offset of u32 array */
  uint32_t rlimit_count, rlimits;   /* offset of struct stage_rlimit array, 8-aligned */
  uint32_t argc, argv;              /* offset of u32 string offsets */
  uint32_t envc, envp;
  uint32_t cwd;                     /* offset of string */
  uint32_t search_path;             /* offset of string: $PATH of the container, used when argv[0] has no slash */
  uint32_t seccomp_count, seccomp;  /* offset of struct sock_filter array, 8-aligned */
  uint32_t seccomp_flags;
  int32_t label_fd;                 /* the directory that `label_file` is in, or -1 */
  uint32_t label_file, label;       /* offsets of strings: what `label` is written to, opened by the process itself */
  uint64_t ignored_signals;         /* bit n-1: signal n may be ignored, and is set to its default */
  uint64_t personality;
  uint32_t io_priority;
  uint32_t scheduler;               /* offset of struct stage_scheduler, 8-aligned, or 0 */
  uint32_t affinity_words, affinity; /* offset of u64 array, 8-aligned: CPUs; none: unchanged */
  uint32_t memory_mode;
  uint32_t node_words, nodes;       /* as affinity: memory nodes */
  uint32_t hook_count, hooks;       /* offset of struct stage_hook array, 8-aligned */
  uint32_t hook_state;              /* offset of string: what hooks read */
  int32_t agent_fd;                 /* a connected stream socket that gets the filter's listener, or -1 */
  uint32_t agent_state;             /* offset of string: sent with it, then our pid and a closing brace */
  uint32_t agent_pid;               /* that pid, unless we join: then it is the one that is reported */
  /* A pidfd whose namespaces are entered once the start byte came, or -1. The pid namespace is only for children, so the
   * process clones a successor there, with its own parent, and ends. It is executed outside, so that whoever traces
   * the container's processes by rights in its user namespace cannot trace us: the kernel asks for rights where the
   * program was executed, as long as we are not dumpable. */
  int32_t join_fd;
  uint32_t join_namespaces;         /* CLONE_NEW* */
  int32_t oom_score;                /* written outside, before joining */
  uint32_t owned_streams;           /* bit n: descriptor n, a pipe, is given to `uid` if that is possible */
};

#endif
