#pragma once

#include <sys/types.h>

#include <string>

#include "base/process.hpp"
#include "rootless/host_facts.hpp"

namespace rootless {

/// Starts slirp4netns or pasta for the network namespace of `pid` (slirp4netns first until pasta's start time is
/// known better), waits until it is ready, and gives the helper back; it ends when `exit_fd`'s other end closes or the
/// namespace dies. @throws Error unsupported when no helper is installed, with a hint.
base::Child start_user_network(pid_t pid, const HostFacts& host);
/// Address of the DNS forwarder inside ("10.0.2.3" for slirp4netns).
std::string forwarder_address(const HostFacts& host);
bool can_start_user_network(const HostFacts& host);

}  // namespace rootless
