#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "base/fd.hpp"
#include "base/process.hpp"
#include "rootless/host_facts.hpp"

namespace rootless {

/// The namespaces of a container that is being started. Descriptors are borrowed; they are handed to the helper, so the
/// container's process may be non-dumpable (its /proc/PID/ns would be closed to us).
struct NetworkTarget {
  pid_t pid = 0;
  int user_namespace = -1;
  int network_namespace = -1;
};

/// A running helper. It ends when the last copy of `exit_fd` closes (slirp4netns), or when `helper` is destroyed or
/// killed: the caller keeps both as long as the container lives. pasta has no exit descriptor and must be killed.
struct UserNetwork {
  base::Child helper;
  base::UniqueFd exit_fd;
  std::string forwarder;  ///< Address of the DNS forwarder inside: "10.0.2.3", "169.254.1.1".
};

/// Opens /proc/PID/ns/user and /proc/PID/ns/net. @throws Error permission, when that process is non-dumpable.
struct NamespaceFds {
  base::UniqueFd user;
  base::UniqueFd network;
};
NamespaceFds open_namespaces(pid_t pid);

/// Starts slirp4netns (start to ready 5 ms), else pasta (70 ms in Debian 12), waits until it is ready. A host without a
/// route to anywhere is no error for slirp4netns. It brings the loopback interface up, too.
/// @throws Error unsupported when nothing is installed or /dev/net/tun is closed to us, with a hint; network when the
/// helper failed, with its own words.
UserNetwork start_user_network(const NetworkTarget& target, const HostFacts& host);
/// Address of the DNS forwarder of the helper that would be started.
std::string forwarder_address(const HostFacts& host);
/// Why no helper could be started, for the user; empty when one can.
std::string user_network_problem(const HostFacts& host);
inline bool can_start_user_network(const HostFacts& host) {
  return user_network_problem(host).empty();
}

}  // namespace rootless
