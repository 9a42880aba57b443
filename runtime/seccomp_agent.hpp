#pragma once

#include <string>
#include <string_view>
#include <sys/types.h>

#include "base/fd.hpp"
#include "runtime/seccomp.hpp"

// SCMP_ACT_NOTIFY: an agent outside decides about system calls. We connect to it before the container is made; the last
// stage loads the filter and sends the listener's descriptor. Source: runtime-spec config-linux.md "Seccomp" and
// "The Container Process State".

namespace runtime {

/// A connection to the agent, for StageDescriptors::seccomp_agent; none when the filter notifies nobody.
/// @throws Error naming the path, when it cannot be reached.
base::UniqueFd connect_seccomp_agent(const SeccompFilter& filter);

/// What the agent is told, for StagePlan::seccomp_state: up to the pid of the process that gets the filter, which the
/// stub adds, with the closing brace.
/// @param state  The container's state (runtime.md "State") as JSON.
std::string seccomp_process_state(const SeccompFilter& filter, std::string_view state);

/// Our own process id in the pid namespace of the procfs at /proc, which must still be the host's.
/// @throws Error when /proc cannot be read.
pid_t own_pid_outside();

}  // namespace runtime
