#include "rootless/ports.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <cerrno>
#include <cstring>
#include <netinet/in.h>
#include <sys/socket.h>
#include <tuple>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"
#include "rootless/socket_address.hpp"

namespace rootless {
namespace {

using base::concat;

/// A socket that is bound as the helpers bind theirs; empty, with errno, when that is refused.
base::UniqueFd try_bind(const std::string& ip, const std::string& protocol, std::uint16_t port) {
  const SocketAddress address = socket_address(ip, port);
  const bool is_tcp = protocol == "tcp";
  base::UniqueFd fd{::socket(address.family(), (is_tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC, 0)};
  if (!fd) return fd;
  const int one = 1;
  // Connections of a server that was here a moment ago are in nobody's way. (To UDP the option means sharing.)
  if (is_tcp) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (address.family() == AF_INET6) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
  const bool is_bound = ::bind(fd.get(), address.get(), address.size) == 0;
  // With the option above, two sockets may be bound to one port, but not both listen.
  if (is_bound && (!is_tcp || ::listen(fd.get(), 1) == 0)) return fd;
  const int code = errno;
  fd.reset();
  errno = code;
  return fd;
}

std::string socket_text(const std::string& ip, std::uint16_t port) {
  if (ip.empty()) return concat("0.0.0.0:", port);
  return is_ipv6(ip) ? concat('[', ip, "]:", port) : concat(ip, ':', port);
}

base::Error binding_error(const std::string& ip, const std::string& protocol, std::uint16_t port) {
  const int code = errno;
  base::Error error = base::make_error(base::ErrorKind::command_not_usable, "publishing port ", socket_text(ip, port),
                                       '/', protocol, ": ", std::strerror(code));
  if (code == EACCES)
    return std::move(error).with_hint(
        concat("ports below net.ipv4.ip_unprivileged_port_start are root's: take a higher one, or as root: sysctl "
               "net.ipv4.ip_unprivileged_port_start=",
               port));
  if (code == EADDRINUSE) return std::move(error).with_hint("engine ps shows ports of containers; ss -lntup all");
  return error;
}

std::uint16_t bound_port(int fd) {
  SocketAddress address = empty_socket_address();
  if (::getsockname(fd, address.get(), &address.size) != 0) throw base::os_error("asking for the port of a socket");
  const bool is_ipv4_address = address.family() == AF_INET;
  return ntohs(is_ipv4_address ? reinterpret_cast<const sockaddr_in&>(address.storage).sin_port
                               : reinterpret_cast<const sockaddr_in6&>(address.storage).sin6_port);
}

auto order_of(const PortMapping& mapping) {
  return std::tie(mapping.protocol, mapping.host_ip, mapping.host_port, mapping.container_port, mapping.count);
}

}  // namespace

bool operator==(const PortMapping& left, const PortMapping& right) {
  return order_of(left) == order_of(right);
}

bool operator<(const PortMapping& left, const PortMapping& right) {
  return order_of(left) < order_of(right);
}

bool is_ipv4(const std::string& text) {
  in_addr address{};
  return ::inet_pton(AF_INET, text.c_str(), &address) == 1;
}

bool is_ipv6(const std::string& text) {
  in6_addr address{};
  return ::inet_pton(AF_INET6, text.c_str(), &address) == 1;
}

void check_host_ports(const std::vector<PortMapping>& mappings) {
  std::vector<base::UniqueFd> bound;  // all at once, so that a port that is named twice is found, too
  for (const PortMapping& mapping : mappings) {
    if (mapping.protocol == "sctp") continue;
    for (unsigned i = 0; i < mapping.count; ++i) {
      const auto port = static_cast<std::uint16_t>(mapping.host_port + i);
      base::UniqueFd fd = try_bind(mapping.host_ip, mapping.protocol, port);
      if (!fd && errno == EMFILE) return;  // thousands: the helper will tell
      if (!fd) throw binding_error(mapping.host_ip, mapping.protocol, port);
      bound.push_back(std::move(fd));
    }
  }
}

std::uint16_t free_host_port(const std::string& host_ip, const std::string& protocol, std::uint16_t count) {
  constexpr int max_attempts = 100;
  const std::string& tried = protocol == "sctp" ? std::string{"tcp"} : protocol;
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    std::vector<base::UniqueFd> bound;
    bound.push_back(try_bind(host_ip, tried, 0));
    if (!bound.back()) throw binding_error(host_ip, protocol, 0);
    const unsigned first = bound_port(bound.back().get());
    while (bound.size() < count && first + bound.size() <= UINT16_MAX) {
      bound.push_back(try_bind(host_ip, tried, static_cast<std::uint16_t>(first + bound.size())));
      if (!bound.back()) break;
    }
    if (bound.size() == count && bound.back()) return static_cast<std::uint16_t>(first);
  }
  throw base::make_error(base::ErrorKind::in_use, "no ", count, " free ", protocol, " ports of the host in a row");
}

}  // namespace rootless
