#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "base/fd.hpp"
#include "base/process.hpp"
#include "rootless/host_facts.hpp"

namespace rootless {

/// A container that is being started: `pid` is a child of ours that was not reaped. Descriptors are borrowed.
struct NetworkTarget {
  pid_t pid = 0;
  int pidfd = -1;
  int user_namespace = -1;
  int network_namespace = -1;
  bool keeps_exit_fd = false;  ///< The caller keeps UserNetwork::exit_fd open as long as the container lives.
};

/// A running helper. slirp4netns ends by itself when the container was reaped (Linux 6.9 on, whose pidfds then report a
/// hang-up), before 6.9 when the last copy of `exit_fd` closes, if there is one; pasta has no such thing and must be
/// killed.
struct UserNetwork {
  base::Child helper;
  base::UniqueFd exit_fd;  ///< Empty where it is not needed.
};

/// Starts slirp4netns (start to ready 5 ms), else pasta (70 ms in Debian 12), waits until it is ready. A host without a
/// route to anywhere is no error for slirp4netns. It brings the loopback interface up, too.
/// @throws Error unsupported when nothing is installed or /dev/net/tun is closed to us, with a hint; network when the
/// helper failed, with its own words.
UserNetwork start_user_network(const NetworkTarget& target, const HostFacts& host);
/// As above by /proc/PID, which must be dumpable. The caller keeps UserNetwork::exit_fd as long as the container lives.
UserNetwork start_user_network(pid_t pid, const HostFacts& host);

/// Address of the DNS forwarder of the helper that would be started.
std::string forwarder_address(const HostFacts& host);
/// Why no helper could be started, for the user; empty when one can.
std::string user_network_problem(const HostFacts& host);
inline bool can_start_user_network(const HostFacts& host) {
  return user_network_problem(host).empty();
}

}  // namespace rootless
