#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "rootless/ports.hpp"

namespace rootless {

/// What a user-mode network shall be like.
struct NetworkOptions {
  std::string helper;  ///< "slirp4netns" or "pasta"; empty: whichever there is.
  // slirp4netns
  bool allow_host_loopback = false;
  bool ipv6 = false;
  unsigned mtu = 65520;  ///< Bytes.
  std::string cidr;      ///< Empty: 10.0.2.0/24.
  std::string outbound_address, outbound_address6;
  std::vector<std::string> pasta_words;  ///< Passed on as they are.
  std::vector<PortMapping> ports;
};

/// "private", "bridge", "slirp4netns", "slirp4netns:mtu=1500,…", "pasta", "pasta:-t,auto,…": is this one of them?
bool is_user_network(std::string_view mode);

/// Pure: what follows the colon. @throws Error invalid_argument for options that slirp4netns does not have in podman.
/// Source: podman-run(1), --network.
NetworkOptions parse_user_network(std::string_view mode);

/// Pure: an address of the network of slirp4netns: 2 is the host, 3 the DNS forwarder, 100 the container.
std::string slirp_address(const NetworkOptions& options, unsigned number);

}  // namespace rootless
