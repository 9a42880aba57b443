#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "base/fd.hpp"
#include "base/process.hpp"
#include "rootless/host_facts.hpp"
#include "rootless/network_options.hpp"

namespace rootless {

/// A container that is being started: `pid` is a child of ours that was not reaped. Descriptors are borrowed.
struct NetworkTarget {
  pid_t pid = 0;
  int pidfd = -1;
  int user_namespace = -1;
  int network_namespace = -1;
  bool keeps_exit_fd = false;  ///< The caller keeps UserNetwork::exit_fd open as long as the container lives.
  int lock_fd = -1;            ///< Inherited by slirp4netns: who can take the lock knows that the ports are free.
};

/// A running helper. slirp4netns ends by itself when the container was reaped (Linux 6.9 on, whose pidfds then report a
/// hang-up), before 6.9 when the last copy of `exit_fd` closes, if there is one; pasta has no such thing and must be
/// killed, which is what watch_helper is for.
struct UserNetwork {
  base::Child helper;
  base::UniqueFd exit_fd;  ///< Empty where it is not needed.
  std::string name;        ///< slirp4netns|pasta
};

/// "slirp4netns" or "pasta": as asked for, else what the ports need, else slirp4netns (start to ready 5 ms), else pasta
/// (70 ms in Debian 12). @throws Error unsupported when it is not installed or /dev/net/tun is closed to us, with a
/// hint.
std::string choose_helper(const NetworkOptions& options, const HostFacts& host);

/// Starts the helper, waits until it is ready, and has it forward the ports. Where none was asked for by name, the
/// other one is tried when the first fails. A host without a route to anywhere is no error for slirp4netns. It brings
/// the loopback interface up, too.
/// @throws Error as choose_helper; network when the helper failed, with its own words; command_not_usable for a port.
UserNetwork start_user_network(const NetworkTarget& target, const NetworkOptions& options, const HostFacts& host);
/// As above by /proc/PID, which must be dumpable. The caller keeps UserNetwork::exit_fd as long as the container lives.
UserNetwork start_user_network(pid_t pid, int lock_fd, const NetworkOptions& options, const HostFacts& host);

/// Kills `helper` when `container` has ended; returns when the helper has. Both are pidfds. @return an exit code.
int watch_helper(int container, int helper);

/// Address of the DNS forwarder of the helper that would be started.
std::string forwarder_address(const NetworkOptions& options, const HostFacts& host);
/// Why no helper could be started, for the user; empty when one can.
std::string user_network_problem(const HostFacts& host);
inline bool can_start_user_network(const HostFacts& host) {
  return user_network_problem(host).empty();
}

}  // namespace rootless
