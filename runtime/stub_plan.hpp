#pragma once

#include <cstdint>
#include <linux/filter.h>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "base/fd.hpp"

// The last stage before the container's program: a freestanding executable of a few kilobytes, embedded in `engine`,
// which runs from a sealed memfd so that the container can never reach the engine's own file (CVE-2019-5736). What it
// does, and in which order, is runtime/stub/plan.h.

namespace runtime {

/// Capability bits (1 << CAP_x), see capability_names.hpp.
struct StageCapabilities {
  std::uint64_t bounding = 0, permitted = 0, effective = 0, inheritable = 0, ambient = 0;
};

struct StageRlimit {
  int resource = 0;  ///< RLIMIT_x
  std::uint64_t soft = 0, hard = 0;
};

/// struct sched_attr of sched_setattr(2), without its size.
struct StageScheduler {
  std::uint32_t policy = 0;  ///< SCHED_x
  std::uint64_t flags = 0;   ///< SCHED_FLAG_x
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t runtime = 0, deadline = 0, period = 0;  ///< Nanoseconds.
};

/// set_mempolicy(2).
struct StageMemoryPolicy {
  unsigned mode = 0;                 ///< MPOL_x | MPOL_F_x
  std::vector<std::uint64_t> nodes;  ///< Bit n of word w: node 64 * w + n; empty: none.
};

/// Run after the start byte, with the identity of the process, before the filter that goes with no-new-privileges.
struct StageHook {
  std::string path;               ///< Absolute, in the container.
  std::vector<std::string> argv;  ///< Empty: the path alone.
  std::vector<std::string> env;   ///< "NAME=value"
  unsigned timeout_seconds = 0;   ///< 0: none.
};

/// The stub's orders. Descriptors are borrowed and are numbers in the process that executes the stub.
struct StagePlan {
  uid_t uid = 0;
  gid_t gid = 0;
  std::optional<std::vector<gid_t>> groups;  ///< Nothing: setgroups is not permitted here, the groups stay.
  std::optional<mode_t> umask;
  StageCapabilities capabilities;
  std::vector<StageRlimit> rlimits;
  std::optional<StageScheduler> scheduler;
  std::optional<int> io_priority;            ///< As ioprio_set(2) wants it: class << 13 | level.
  std::optional<unsigned long> personality;  ///< personality(2)
  std::optional<StageMemoryPolicy> memory_policy;
  std::vector<std::uint64_t> cpu_affinity;  ///< Bit n of word w: CPU 64 * w + n; empty: unchanged.
  std::vector<StageHook> hooks;             ///< startContainer
  std::string hook_state;  ///< What they read: the state, status "created", pid as the container sees it.
  std::vector<std::string> argv;
  std::vector<std::string> env;  ///< "NAME=value"
  std::string cwd = "/";
  std::string search_path;           ///< $PATH of the container; used when argv[0] has no slash.
  std::vector<sock_filter> seccomp;  ///< Empty: no filter.
  unsigned seccomp_flags = 0;        ///< SECCOMP_FILTER_FLAG_x; with NEW_LISTENER an agent is required.
  int seccomp_agent_fd = -1;  ///< Connected to listenerPath; gets `seccomp_state` with the listener's descriptor.
  std::string seccomp_state;  ///< seccomp_process_state(), see seccomp_agent.hpp.
  pid_t seccomp_pid = 0;      ///< Goes with it; who joins learns its own.
  std::uint64_t ignored_signals = ~std::uint64_t{0};  ///< Bit n-1: signal n may be ignored here, and is set to default.
  bool no_new_privileges = true;
  bool new_session = true;       ///< setsid()
  bool controlling_tty = false;  ///< Descriptor 0 becomes the controlling terminal.
  bool new_keyring = true;
  bool tiny_init = false;        ///< Stay as pid 1: fork the program, forward signals, reap, exit with its status.
  bool die_with_parent = false;  ///< The kernel drops PR_SET_PDEATHSIG when ids change; the stub sets it again.
  int report_fd = -1;            ///< Required. stage_report is written here on failure; end of file: the program runs.
  int start_fd = -1;             ///< One byte is read from it before anything is done (plan.h); -1: no waiting.
  unsigned preserve_fds = 0;     ///< Descriptors 0 .. 2 + preserve_fds reach the program.
  int label_fd = -1;             ///< The directory below which the stub opens `label_file`, or -1.
  std::string label_file;        ///< Such as "self/attr/exec" below /proc.
  std::string label;             ///< What is written to it.
  int join_fd = -1;              ///< pidfd of the process whose namespaces are joined first (plan.h), or -1.
  unsigned join_namespaces = 0;  ///< CLONE_NEW*
  std::optional<int> oom_score;  ///< Written before joining.
  bool add_home = false;         ///< HOME is not in `env`, and is looked up in the container's /etc/passwd.
  unsigned owned_streams = 0;    ///< Bit n: descriptor n, a pipe, is given to `uid` if that is possible.
};

/// The flat buffer of plan.h. @throws Error invalid_argument for a NUL inside a string, no argv, or more than
/// STAGE_PLAN_MAX_BYTES.
std::string encode_stage_plan(const StagePlan& plan);

/// The stub in a sealed, executable memfd; where vm.memfd_noexec=2 forbids that, in an unnamed temporary file.
/// Made once per container and never shared. @throws Error unsupported, when there is no place to execute it from.
base::UniqueFd make_stage_executable();

/// The program behind --init where another runtime executes it: `init -- PROGRAM ARGUMENTS…` (runtime/stub/init.c).
std::string_view tiny_init_program();

/// `bytes` in a memfd that nobody can change any more. Close-on-exec.
base::UniqueFd make_plan_fd(std::string_view bytes);

/// Executes the stub in place of the calling process. Descriptors that the stub needs are made inheritable here; those
/// the program shall get (0, 1, 2, 3 …) are the caller's business. Only returns when it fails: errno, for a report.
/// `plan_fd` and the plan's descriptors must not be below 3 + preserve_fds. Allocates nothing.
int exec_stage(int executable_fd, int plan_fd, const StagePlan& plan) noexcept;

/// What the stub was doing, from stage_report::step, to be put before the errno's text: "changing to the working
/// directory".
std::string_view describe_stage_step(int step);

}  // namespace runtime
