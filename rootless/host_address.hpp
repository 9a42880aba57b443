#pragma once

#include <string>

namespace rootless {

/// An address of this host by which others know it: the first of IPv4 that is not loopback, else one of IPv6, else
/// empty. What podman writes for host.containers.internal.
std::string host_address();

}  // namespace rootless
