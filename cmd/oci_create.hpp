#pragma once

#include <memory>
#include <optional>
#include <string>

#include "cmd/oci_bundle.hpp"
#include "cmd/oci_folder.hpp"
#include "runtime/container.hpp"

namespace cmd {

/// A container on its way: its folder, locked, and its cgroup. Whatever fails before publish() takes both back and runs
/// the poststop hooks. Source: runtime.md "Lifecycle".
class OciCreation {
 public:
  /// Takes the id. What a killed predecessor has left under it makes room.
  OciCreation(const OciGlobals& globals, const OciWords& words, OciBundle bundle);
  OciCreation(const OciCreation&) = delete;
  OciCreation& operator=(const OciCreation&) = delete;
  ~OciCreation();

  const runtime::Spec& spec() const noexcept { return bundle_.spec; }
  const std::string& rootfs() const noexcept { return locked_->container.state.rootfs; }
  int dir() const noexcept { return locked_->container.dir.get(); }
  runtime::CreateRequest request;

  /// Gives it a socket for sd_notify(3), if somebody is to be notified; whoever starts it then has to listen.
  void give_notify_socket();
  /// Makes the cgroup, and runtime::create.
  runtime::CreatedInit create();
  /// Only the cgroup, for a process that somebody else makes.
  void make_cgroup();
  /// Moves such a process and its descendants into the cgroup.
  void adopt(pid_t pid);
  /// Writes pid file and final state and lets go of the lock: from now on the container is there.
  void publish(const OciWords& words, pid_t pid);

  /// As create(), but the process waits for publish_running: should we be killed, nothing runs whose pid nobody knows.
  runtime::CreatedInit create_waiting();
  /// As publish(), but also has the process execute its program, and lets go of the lock once it does.
  void publish_running(const OciWords& words, runtime::CreatedInit& init);

 private:
  void make_rdt_group();
  void save_cgroup(const runtime::CgroupRecord& record);
  void save_created(const OciWords& words, pid_t pid);
  void keep_for_exec();
  void take_back() noexcept;

  const std::string root_;
  OciBundle bundle_;
  runtime::Spec for_exec_;  ///< See exec_part().
  std::optional<LockedContainer> locked_;
  runtime::CgroupPlan cgroup_plan_;
  std::unique_ptr<runtime::Cgroup> cgroup_;
  std::string resctrl_;  ///< Where that is mounted; empty: the container wants none of it.
  runtime::HookContainer hook_container_;
  base::UniqueFd seccomp_cache_;
};

/// The poststart hooks. One that fails ends the container. Source: runtime.md "Lifecycle" 9.
void run_poststart(const OciGlobals& globals, const OciContainer& container);

/// @throws Error invalid_argument, unless --console-socket is there exactly when `wants_socket`.
void check_console(const OciWords& words, bool wants_socket);
/// Sends a pty master to whoever listens on a console socket: the name of the terminal with the descriptor.
/// Source: runc docs/terminals.md "Other signals", conmon.
void send_console(const std::string& socket_path, int terminal);
/// Sends the pidfd of a container's process to whoever listens on a socket. Source: pidfd_receiver in crun(1).
void send_pidfd(const std::string& socket_path, const base::UniqueFd& pidfd);
/// Writes a pid as decimal text, whole or not at all.
void write_pid_file(const std::string& path, pid_t pid);

}  // namespace cmd
