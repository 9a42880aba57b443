#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace rootless {

/// Ports of the host that lead to ports of a container, as many as `count`, one after the other.
struct PortMapping {
  std::string host_ip;  ///< IPv4 or IPv6 without brackets; empty: every address of the host.
  std::uint16_t host_port = 0;
  std::uint16_t container_port = 0;
  std::uint16_t count = 1;
  std::string protocol = "tcp";  ///< tcp|udp|sctp
};

bool operator==(const PortMapping& left, const PortMapping& right);
/// Protocol, address, port of the host, port of the container.
bool operator<(const PortMapping& left, const PortMapping& right);

bool is_ipv4(const std::string& text);
bool is_ipv6(const std::string& text);

/// Whether all of these ports of the host could be bound at this moment: tells it in one line, where a helper would
/// only say that something failed. sctp is not tried.
/// @throws Error command_not_usable (126, as podman), naming the port.
void check_host_ports(const std::vector<PortMapping>& mappings);

/// The first of `count` free ports of the host, one after the other, that the kernel chose. @throws Error.
std::uint16_t free_host_port(const std::string& host_ip, const std::string& protocol, std::uint16_t count);

}  // namespace rootless
