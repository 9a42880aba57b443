#pragma once

#include <chrono>
#include <csignal>
#include <cstdint>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "base/fd.hpp"
#include "runtime/stub/monitor_plan.h"

// The monitor: what stays when `run` and `start` are done. One small freestanding process a container, which the keeper
// turns itself into. Messages and files are described in runtime/stub/monitor_plan.h.

namespace runtime {

/// The monitor's orders. Descriptors are borrowed and are at least 3, or -1.
struct MonitorPlan {
  pid_t init_pid = -1;  ///< A child of the calling process.
  int init_pidfd = -1;
  bool terminal = false;               ///< terminal_fd is used instead of the three pipes.
  int terminal_fd = -1;                ///< pty master
  int stdin_fd = -1;                   ///< Write end of the container's stdin.
  int stdout_fd = -1, stderr_fd = -1;  ///< Read ends.
  int log_fd = -1;                     ///< O_APPEND; -1: no log.
  int listen_fd = -1;                  ///< Attach socket: SOCK_SEQPACKET, listening.
  int client_fd = -1;                  ///< The command that started the container; its slowness holds the container up.
  int container_fd = -1;               ///< Directory for exit_name and log rotation; -1: neither.
  int alive_fd = -1;                   ///< Lock file that is only held.
  int oom_fd = -1;                     ///< memory.events or memory.oom_control of the container; -1: none.
  bool auto_remove = false;            ///< The clean-up removes the container.
  bool is_session = false;             ///< MONITOR_SESSION
  bool ends_all = false;               ///< MONITOR_ENDS_ALL
  int first_pidfd = -1;                ///< Of a session: the container's init, with which it ends; -1: ends by itself.
  int network_exit_fd = -1;            ///< Only kept open: the network helper ends when it closes.
  int log_directory_fd = -1;           ///< Where log_name is; -1: the log is not rotated.
  int journal_fd = -1;                 ///< Datagram socket: output goes to the journal.
  int notify_fd = -1;                  ///< The container's NOTIFY_SOCKET, whose READY=1 goes to notify_path.
  std::string exit_name = "exit";
  std::string log_name = "log";              ///< Name of log_fd's file; rotation renames it to log_name + ".1".
  std::uint64_t log_max_bytes = 0;           ///< 0: never rotate.
  unsigned log_max_files = 2;                ///< The current one counts.
  std::string journal_path, journal_fields;  ///< "NAME=value\n" each.
  std::string notify_path;
  int stop_signal = SIGTERM;                        ///< What init is sent when the monitor gets SIGTERM, and
  std::chrono::milliseconds stop_patience{10'000};  ///< after which it is killed then; never, of a session.
  std::chrono::milliseconds kill_after{0};          ///< 0: never.
  std::chrono::milliseconds check_interval{0};      ///< Between health checks; 0: none.
  std::chrono::milliseconds check_soon{0};          ///< After one that ended with MONITOR_SOON; 0: check_interval.
  std::vector<std::string> check_argv;              ///< Executes cleanup_path, too.
  std::string event_path;                           ///< Absolute path of the log of events; empty: none.
  std::string event_head, event_name, event_tail;   ///< Of its line there: before the name, the name, after the time.
  std::vector<std::string> cleanup_argv;  ///< Executed after the exit was recorded; empty: the monitor just exits.
  bool cleanup_if_asked = false;          ///< Only when MONITOR_CLEANUP_FILE is there by then.
  std::string cleanup_path;               ///< Absolute.
  std::vector<std::string> cleanup_env;
};

/// The flat buffer of monitor_plan.h. @throws Error invalid_argument for a NUL inside a string or a bad descriptor.
std::string encode_monitor_plan(const MonitorPlan& plan);

/// The monitor's image in a sealed executable memfd, as make_stage_executable.
base::UniqueFd make_monitor_executable();

/// Turns the calling process (the keeper) into the monitor. `executable_fd` comes from make_monitor_executable.
/// @throws Error, when that fails; nothing was changed then but close-on-exec flags.
[[noreturn]] void exec_monitor(int executable_fd, const MonitorPlan& plan);

/// Contents of the file exit_name.
struct ExitRecord {
  int code = 0;  ///< 128+N when signal N ended it.
  bool signalled = false;
  bool oom_killed = false;
  std::int64_t seconds = 0;  ///< CLOCK_REALTIME
  long nanoseconds = 0;
};
/// @throws Error corrupt, when malformed.
ExitRecord parse_exit_record(std::string_view text);

}  // namespace runtime
