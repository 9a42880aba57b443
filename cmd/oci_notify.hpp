#pragma once

#include <optional>
#include <string>
#include <sys/types.h>

#include "base/fd.hpp"
#include "runtime/spec.hpp"

// $NOTIFY_SOCKET: a service whose program is in a container tells systemd that it is ready. The container gets a socket
// of its own, in a folder of the state folder, and `start` passes on the one message READY=1, and says which process is
// the main one: the container shall not be able to say anything else to the host. Source: sd_notify(3), crun, runc.

namespace cmd {

/// Adds the mount and the variable to a container whose state folder is `dir`, if somebody wants to be notified.
void add_notify_socket(runtime::Spec& spec, int dir);

/// The container's socket while `start` listens.
class ReadyForwarder {
 public:
  /// Call it before the program runs. Nothing, when nobody wants to be notified or the container has no such folder.
  static std::optional<ReadyForwarder> listen(int dir);
  /// Returns when the container has said that it is ready and the host was told, and has read it, or when `process`,
  /// whose number is `main_pid`, has ended.
  void forward(const base::UniqueFd& process, pid_t main_pid) const;
  int fd() const noexcept { return socket_.get(); }  ///< Readable when the container has said something.
  /// Passes on what was said. @return  Whether it was that the container is ready.
  bool pass_on(pid_t main_pid) const;

 private:
  ReadyForwarder(base::UniqueFd socket, std::string host) : socket_(std::move(socket)), host_(std::move(host)) {}
  bool is_ready_said() const;
  void tell_host(pid_t main_pid) const;
  void wait_for_host() const;
  bool send(const std::string& text, int passed) const;

  base::UniqueFd socket_;
  std::string host_;  ///< The socket to tell; one in the abstract name space begins with '@'.
};

}  // namespace cmd
