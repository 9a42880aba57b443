#pragma once

#include <cstdint>
#include <string>
#include <sys/socket.h>

namespace rootless {

/// An address of IPv4 or IPv6 with a port, as the calls on sockets take it.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const noexcept { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
  int family() const noexcept { return storage.ss_family; }
};

/// Pure: of an address as a text; empty: every one of IPv4.
SocketAddress socket_address(const std::string& ip, std::uint16_t port);

/// Room for any address, for calls that fill one in.
SocketAddress empty_socket_address();

bool operator==(const SocketAddress& left, const SocketAddress& right);

}  // namespace rootless
