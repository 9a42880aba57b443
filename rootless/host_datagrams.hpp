#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rootless/network_options.hpp"
#include "rootless/ports.hpp"

namespace rootless {

// Who sends a datagram from the host itself to a published port is shown to the container by both helpers under the
// address that stands for the host's loopback, and the answer is dropped while that is closed to the container (pasta
// of Debian 12 also loses those to 127.0.0.1 when the port's number is another one inside). A socket that is bound to
// such an address of the host, and connected to port 0 of the one that the host sends from, gets exactly those, beside
// the helper's, which has the rest: other hosts are still seen by their own addresses.

/// Where datagrams of the host itself to published ports arrive, `count` of them one after the other.
struct HostSide {
  std::string address;  ///< Empty: the one of IPv6 (`is_ipv6`) or IPv4 that the container shares with the host.
  bool is_ipv6 = false;
  std::uint16_t host_port = 0;
  std::uint16_t container_port = 0;
  std::uint16_t count = 1;
};
bool operator==(const HostSide& left, const HostSide& right);

/// Pure: those that `helper` ("slirp4netns" or "pasta") leaves unanswered; none where nothing is to be done.
std::vector<HostSide> unanswered_datagrams(const std::string& helper, const NetworkOptions& options);

/// Pure: as a word of a command line, and back. @throws Error invalid_argument.
std::string host_side_word(const HostSide& side);
HostSide parse_host_side(const std::string& word);

/// Opens sockets here, enters the network namespace (and its user namespace, where we have no right to the former
/// without), binds, gives all capabilities up, and relays until `end` is readable. `ready` is called before, with the
/// first problem, or empty. What the host has no address for is left out.
/// @throws Error, when nothing could be done.
void relay_host_datagrams(const std::vector<HostSide>& ranges, int user_namespace, int network_namespace, int end,
                          void (*ready)(const std::string& problem));

}  // namespace rootless
