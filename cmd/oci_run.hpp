#pragma once

#include <unistd.h>

#include "base/signals.hpp"
#include "cmd/oci_verbs.hpp"
#include "engine/relay.hpp"
#include "runtime/container.hpp"

namespace cmd {

/// Puts the child's ends into a CreateRequest or ExecRequest.
template <class Request>
void give_streams(Request& request, const engine::ChildStreams& streams) {
  request.stdin_fd = streams.in < 0 ? STDIN_FILENO : streams.in;
  request.stdout_fd = streams.out;
  request.stderr_fd = streams.err;
}

/// Deletes a container that has ended, unless somebody else has done so meanwhile. Failures are warnings.
void delete_ended(const OciGlobals& globals, const std::string& id, pid_t pid) noexcept;

/// Passes streams, window sizes and signals on until the process has ended. Returns its exit code.
int relay_oci_process(runtime::CreatedInit& init, engine::Relay relay, base::SignalFd& signals);

}  // namespace cmd
