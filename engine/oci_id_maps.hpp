#pragma once

#include <cstdint>
#include <string>
#include <sys/types.h>

#include "base/fd.hpp"
#include "runtime/spec.hpp"

namespace engine {

/// For `engine runtime`: writes the mappings that config.json asks for to a process that waits in its new user
/// namespace; directly where the kernel lets us, else through newuidmap and newgidmap.
void write_spec_id_maps(const runtime::Spec& spec, pid_t pid, int proc_pid_fd);

/// Where `engine runtime` keeps the state of its containers unless --root says otherwise.
std::string oci_state_root();

/// Whether we are not root of the host: an ordinary user, or root of a user namespace that maps only a part of the ids.
bool oci_is_rootless();

/// Where the bus of our own systemd is: $XDG_RUNTIME_DIR, else /run/user/UID.
std::string oci_user_runtime_dir();

/// Where compiled seccomp filters are kept; empty when there is no such place, which only costs time.
base::UniqueFd oci_seccomp_cache();

/// $LISTEN_FDS: how many sockets from descriptor 3 on systemd has passed for the container; 0 when there are none.
unsigned oci_listen_fds();

/// $NOTIFY_SOCKET: where systemd wants to be told that the container is ready; empty: nowhere.
std::string oci_notify_socket();

/// The name of a user of this host; the decimal uid when there is none.
std::string oci_user_name(std::uint32_t uid);

}  // namespace engine
