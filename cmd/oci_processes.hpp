#pragma once

#include <sys/types.h>
#include <vector>

#include "cmd/oci_state.hpp"

namespace cmd {

/// All processes of a container: those of its cgroup; without one those of its pid namespace; without that, the first.
/// Sorted. The numbers may be reused at any time: see signal_processes.
std::vector<pid_t> container_processes(const OciContainer& container);

/// Empty when there is no such process.
base::UniqueFd open_pidfd(pid_t pid);
/// To exactly the process behind a pidfd; one that has ended is no error.
void send_signal(int pidfd, int signal);
/// To all processes of the container, each by a pidfd that was verified to be one of them.
void signal_processes(const OciContainer& container, int signal);

}  // namespace cmd
