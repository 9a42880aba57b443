#include "rootless/socket_address.hpp"

#include <arpa/inet.h>
#include <cstring>
#include <netinet/in.h>

#include "rootless/ports.hpp"

namespace rootless {

SocketAddress socket_address(const std::string& ip, std::uint16_t port) {
  SocketAddress address;
  if (is_ipv6(ip)) {
    auto& ipv6 = reinterpret_cast<sockaddr_in6&>(address.storage);
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(port);
    ::inet_pton(AF_INET6, ip.c_str(), &ipv6.sin6_addr);
    address.size = sizeof ipv6;
    return address;
  }
  auto& ipv4 = reinterpret_cast<sockaddr_in&>(address.storage);
  ipv4.sin_family = AF_INET;
  ipv4.sin_port = htons(port);
  if (!ip.empty()) ::inet_pton(AF_INET, ip.c_str(), &ipv4.sin_addr);
  address.size = sizeof ipv4;
  return address;
}

SocketAddress empty_socket_address() {
  SocketAddress address;
  address.size = sizeof address.storage;
  return address;
}

bool operator==(const SocketAddress& left, const SocketAddress& right) {
  return left.size == right.size && std::memcmp(&left.storage, &right.storage, left.size) == 0;
}

}  // namespace rootless
