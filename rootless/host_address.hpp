#pragma once

#include <string>

namespace rootless {

/// An address of this host by which others know it: the first of IPv4 that is not loopback, else one of IPv6, else
/// empty. What podman writes for host.containers.internal.
std::string host_address();

/// The first address of each kind, in the network namespace that we are in, that is neither loopback nor of one link;
/// empty: there is none.
std::string ipv4_address();
std::string ipv6_address();

}  // namespace rootless
