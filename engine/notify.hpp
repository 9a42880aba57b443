#pragma once

#include <string>
#include <string_view>
#include <sys/types.h>

#include "base/fd.hpp"
#include "engine/watch.hpp"
#include "runtime/spec.hpp"

// --sdnotify under a service manager ($NOTIFY_SOCKET): who says that the container is ready. Source: sd_notify(3),
// podman-run(1).

namespace engine {

/// Whether this container's readiness is anybody's business.
bool is_notifying(const Watch& watch);

/// Tells it "READY=1" and the like. Returns when it has seen that, or after a while: it may come to the sender's end
/// first otherwise, and looks at who sent a message. Source: sd_notify_barrier(3).
void notify_and_wait(std::string_view state) noexcept;

/// The command that has started the container: who the main process is from now on, and with `conmon` that it is ready.
/// Waits, for the end of this command, until now the main process itself, would be the end of the service.
/// @param monitor  Its pid.
void notify_started(const Watch& watch, pid_t monitor) noexcept;

/// Mode `container`: a socket of its own in the container's folder, which the monitor reads. Empty: no such mode.
base::UniqueFd make_notify_socket(const Watch& watch, const storage::ContainerDir& container);
/// Binds that socket into the container and tells its program; nothing in other modes.
void add_notify_socket(runtime::Spec& spec, const std::string& container_folder);
/// Whether add_notify_socket has to be called.
bool passes_notify_socket(const Watch& watch);
/// $NOTIFY_SOCKET; empty: none.
std::string notify_socket();

}  // namespace engine
