/* What the monitor (monitor.c) is told: the same kind of flat, length-checked buffer in a memfd as plan.h. It is executed
 * as {"engine-monitor", "<decimal number of the plan's descriptor>"}, keeps the keeper's pid, so init stays its child,
 * and closes every descriptor that the plan does not name. C subset shared with C++. */
#ifndef ENGINE_STUB_MONITOR_PLAN_H
#define ENGINE_STUB_MONITOR_PLAN_H

#include <stdint.h>

#define MONITOR_PLAN_MAGIC 0x656e676du
#define MONITOR_PLAN_VERSION 4u
#define MONITOR_PLAN_MAX_BYTES (1u << 20)
#define MONITOR_MAX_CLIENTS 8
#define MONITOR_MAX_LOG_FILES 1000
#define MONITOR_MAX_MILLISECONDS (10ull * 366 * 24 * 3600 * 1000)

enum monitor_flag {
  MONITOR_TTY = 1 << 0,         /* terminal_fd is a pty master; else stdin/stdout/stderr pipes */
  MONITOR_AUTO_REMOVE = 1 << 1, /* the clean-up removes the container, and tells so itself */
  MONITOR_LOG = 1 << 2,         /* log_fd is open: k8s-file */
  MONITOR_IF_ASKED = 1 << 3,    /* the clean-up is executed only where MONITOR_CLEANUP_FILE is in container_fd by then */
  MONITOR_SESSION = 1 << 4,     /* init_pid is a further process of a container (exec -d): its end is told, not recorded */
  MONITOR_ENDS_ALL = 1 << 5     /* the container has no pid namespace of its own: what init leaves behind is killed */
};

/* Messages on the attach socket (SOCK_SEQPACKET): one byte of enum attach_type, then the payload.
 *
 *   client                        monitor
 *   stdin  bytes    ─────────▶    to the pty or the stdin pipe
 *   stdin_end       ─────────▶    closes the stdin pipe (pipes) or does nothing (pty)
 *   resize r,c      ─────────▶    TIOCSWINSZ (two u16, host order)
 *   oom_count + fd  ─────────▶    counts kills there from now on: the container got its cgroup while it ran
 *                   ◀─────────    stdout bytes / stderr bytes
 *                   ◀─────────    exit status (i32), once, last
 */
enum attach_type {
  ATTACH_STDIN = 0,
  ATTACH_STDIN_END = 1,
  ATTACH_RESIZE = 2,
  ATTACH_STDOUT = 3,
  ATTACH_STDERR = 4,
  ATTACH_EXIT = 5,
  ATTACH_OOM_COUNT = 6
};

#define ATTACH_MAX_PAYLOAD 32768

struct monitor_plan {
  uint32_t magic, version;
  uint32_t total_size;
  uint32_t flags;
  int32_t init_pid;
  int32_t init_pidfd;
  int32_t terminal_fd;             /* pty master or -1 */
  int32_t stdin_fd;                /* write end, or -1 */
  int32_t stdout_fd, stderr_fd;    /* read ends, or -1 */
  int32_t log_fd;                  /* O_APPEND, or -1 */
  int32_t listen_fd;               /* attach socket, or -1 */
  int32_t client_fd;               /* the command that started the container, or -1; its slowness holds the container */
  int32_t container_fd;            /* directory containers/<id>: `exit` is written here by temp and rename */
  int32_t alive_fd;                /* lock file; only kept open */
  int32_t oom_fd;                  /* where the kernel counts kills for want of memory, see oom_count.h; or -1 */
  int32_t network_exit_fd;         /* only kept open: the network helper ends when it closes; or -1 */
  int32_t log_directory_fd;        /* where log_name is, for rotation; or -1 */
  int32_t journal_fd;              /* datagram socket: output goes to the journal; or -1 */
  int32_t first_pidfd;             /* of MONITOR_SESSION: the container's init, with which the process ends; or -1 */
  int32_t notify_fd;               /* datagram socket that the container has as its NOTIFY_SOCKET; or -1 */
  uint32_t log_max_files;          /* rotation keeps so many, the current one counts */
  uint32_t stop_signal;            /* what init is sent when the monitor is told to end by SIGTERM */
  uint64_t stop_patience;          /* milliseconds after which it is killed then, unless MONITOR_SESSION */
  uint64_t log_max_bytes;          /* rotate to log.1 past this; 0: never */
  uint64_t kill_after;             /* milliseconds until init is killed; 0: never */
  uint64_t check_interval;         /* milliseconds between the end of a health check and the next; 0: none are made */
  uint64_t check_soon;             /* the same after one that ended with MONITOR_SOON; 0: as check_interval */
  uint32_t check_argc, check_argv; /* argv of a check; path and environment are the clean-up's */
  uint32_t journal_path, journal_fields; /* of the journal's socket; "NAME=value\n" of each field of all messages */
  uint32_t notify_path;            /* the service manager's socket; "@…": abstract */
  uint32_t cleanup_argc, cleanup_argv; /* argv of what is executed in place of the monitor after the exit was recorded */
  uint32_t cleanup_path;               /* offset of absolute path; without cleanup_argc: just exit */
  uint32_t cleanup_envc, cleanup_envp;
  uint32_t exit_name;              /* file name inside container_fd */
  uint32_t log_name;               /* name of log_fd's file, for rotation to <log_name>.1 */
  uint32_t event_path;             /* offset of the absolute path of the log of events; 0: none */
  uint32_t event_head, event_name, event_tail; /* of a line: what is before the container's name, the name, what ends it */
};

/* Exit code of a health check after which the next one is due sooner. */
#define MONITOR_SOON 10

/* In the container's folder: its name, when it was renamed since this plan was made. */
#define MONITOR_NAME_FILE "name"
#define MONITOR_NAME_MAX_BYTES 256
/* The same for a container that did without a clean-up when it was started. */
#define MONITOR_CLEANUP_FILE "clean-up"
/* The same for what no policy starts again; what it says when the monitor wrote it, since it was told to end. */
#define MONITOR_STOPPED_FILE "stopped"
#define MONITOR_UNTIL_BOOT "until boot"

/* All descriptors are -1 or at least 3. Over the clean-up's execve stays open, under the same number and with
 * MONITOR_AUTO_REMOVE: client_fd (so the client sees end of file only when the clean-up is done); alive_fd is closed,
 * since the clean-up takes that lock itself; 0, 1, 2 are /dev/null. Without a clean-up the monitor exits with the
 * container's exit code.
 *
 * containers/<id>/exit: "<exit code> <signalled 0|1> <oom 0|1> <seconds>.<nanoseconds>\n", CLOCK_REALTIME. */

#endif
