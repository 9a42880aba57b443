#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/channel.hpp"
#include "base/fd.hpp"
#include "base/mount.hpp"
#include "base/process.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/hooks.hpp"
#include "runtime/seccomp.hpp"
#include "runtime/spec.hpp"

namespace runtime {

/// What a caller gives besides the spec.
struct CreateRequest {
  const Spec& spec;
  std::string bundle;                       ///< Absolute path; root.path is relative to it.
  std::optional<base::RootfsMount> rootfs;  ///< Mounted by init itself; nothing: spec.root_path is bound.
  /// A detached mount that is the root in the place of spec.root_path, made by the parent. -1: none. Borrowed.
  int mapped_root = -1;
  /// What init gives to user and group 0 of the container before anything is mounted: parts of the upper directory
  /// that an ordinary user had to make as itself.
  std::vector<base::UniqueFd> given_to_root;
  /// Called in the parent while init waits in its new user namespace: writes its maps. Not called without a new one.
  std::function<void(pid_t pid, int proc_pid_fd)> write_id_maps;
  /// A new user namespace for this container that was made already; write_id_maps is called for it, too.
  /// -1: one is made with init. Borrowed.
  int user_namespace = -1;
  /// Called in the parent with init's pid once its network namespace exists and before it goes on (start slirp4netns).
  std::function<void(pid_t pid)> set_up_network;
  /// fuse-overlayfs: called in the parent with the /dev/fuse descriptor that init mounted and init's user and mount
  /// namespaces to join; starts the server.
  std::function<void(int fuse_fd, pid_t init_pid)> serve_fuse;
  int stdin_fd = 0, stdout_fd = 1, stderr_fd = 2;  ///< For a container without terminal.
  std::vector<int> preserved_fds;                  ///< Become 3, 4, … in the container; -1: nothing has that number.
  bool die_with_parent = false;                    ///< init gets PR_SET_PDEATHSIG SIGKILL (run --rm without keeper).
  bool tiny_init = false;                          ///< --init: the stub stays as pid 1, forwards signals and reaps.
  bool links_mtab = false;                         ///< See link_mtab.
  int seccomp_cache_dir = -1;                      ///< Folder for compiled filters, or -1: compile without caching.
  bool no_pivot = false;
  bool chroot_only =
      false;  ///< No namespace, no mount: spec.mounts are files to be copied, the root is `rootfs`'s tree.
  bool new_keyring = true;  ///< The container gets a session keyring of its own.
  /// Where the container's first process is born, or moved to before it does anything; nullptr: where we are.
  /// Borrowed.
  Cgroup* cgroup = nullptr;
  /// What hooks are told about their container; nullptr: the spec must have none. Runs prestart, createRuntime,
  /// createContainer and startContainer; poststart and poststop are the caller's. Borrowed.
  const HookContainer* hooks_for = nullptr;
  /// A FIFO or pipe end from which the last stage reads one byte before it executes the process (OCI create/start);
  /// -1: executes at once.
  int start_fd = -1;
  /// Where the last stage reports a failure, when somebody else than the caller will wait for the exec (OCI start): a
  /// FIFO opened for reading and writing. -1: a pipe of our own, CreatedInit::start_report.
  int report_fd = -1;
  /// The mount namespace of a container whose /dev/shm becomes ours, when the spec has a tmpfs there; its user
  /// namespace is joined, too. -1: none. Borrowed.
  int shm_owner = -1;
  /// Filled in by create(): what spec.linux.seccomp_json became.
  std::optional<SeccompFilter> compiled_seccomp;
};

/// An init process that was created; it runs the user's program already unless start_fd was given.
struct CreatedInit {
  base::Child process;
  base::UniqueFd terminal;        ///< pty master, when spec.process.terminal.
  base::UniqueFd user_namespace;  ///< For cleaning up files of subordinate ids; empty without a new one.
  base::UniqueFd start_report;    ///< end of file: exec succeeded. Bytes: a report (see wait_for_exec).
  std::string command, cwd;       ///< Of the process, for errors of wait_for_exec.
};

/// Clones init, has it build the container, and returns when it is "created" (and, without start_fd, has been told to
/// go on). @throws Error that names the failing step; no process is left behind then. Single-threaded callers only.
CreatedInit create(CreateRequest& request);

/// Blocks until the process was executed. @throws Error command_not_found (127) or command_not_usable (126) or
/// internal.
void wait_for_exec(CreatedInit& init);

/// runtime/exec: a further process in a running container.
struct ExecRequest {
  pid_t init_pid;
  int init_pidfd;
  Process process;
  SeccompFilter seccomp;
  int stdin_fd = 0, stdout_fd = 1, stderr_fd = 2;
  std::vector<int> preserved_fds;
  bool die_with_parent = false;
  int chroot = -1;           ///< The root directory of a container that is only a chroot. Borrowed.
  Cgroup* cgroup = nullptr;  ///< The container's, in which the process is born, or to which it is moved first.
  const HookContainer* container = nullptr;  ///< For a seccomp agent. Borrowed.
  // Of the container's spec.
  std::vector<Namespace> namespaces;  ///< Saves looking up which differ from ours; may be empty.
  std::optional<std::string> personality;
  std::optional<MemoryPolicy> memory_policy;
};
/// terminal: pty of the container's own devpts. The returned process is our child.
CreatedInit exec(ExecRequest& request);

}  // namespace runtime
