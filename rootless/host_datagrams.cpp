#include "rootless/host_datagrams.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <linux/capability.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <tuple>
#include <unistd.h>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"
#include "rootless/datagram_relay.hpp"
#include "rootless/host_address.hpp"
#include "rootless/user_namespace.hpp"

namespace rootless {
namespace {

constexpr const char* ipv4_loopback = "127.0.0.1";
constexpr const char* ipv6_loopback = "::1";

bool is_loopback(const std::string& address) {
  return address.starts_with("127.") ||
         (is_ipv6(address) && socket_address(address, 0) == socket_address(ipv6_loopback, 0));
}

bool is_wildcard(const std::string& address) {
  return address.empty() || address == "0.0.0.0" ||
         (is_ipv6(address) && socket_address(address, 0) == socket_address("::", 0));
}

auto order_of(const HostSide& side) {
  return std::tie(side.address, side.is_ipv6, side.host_port, side.container_port, side.count);
}

/// Addresses of the host that one mapping is asked at, as HostSide has them.
std::vector<HostSide> sides_of(const PortMapping& mapping, bool is_pasta) {
  const bool has_ipv4 = !is_ipv6(mapping.host_ip), has_ipv6 = is_pasta && !is_ipv4(mapping.host_ip);
  if (!is_wildcard(mapping.host_ip)) {
    const bool is_concerned = is_pasta || is_loopback(mapping.host_ip);
    return is_concerned ? std::vector<HostSide>{{mapping.host_ip, has_ipv6}} : std::vector<HostSide>{};
  }
  std::vector<HostSide> sides;
  if (has_ipv4) sides.push_back({ipv4_loopback, false});
  if (has_ipv4 && is_pasta) sides.push_back({"", false});
  if (has_ipv6) sides.insert(sides.end(), {{ipv6_loopback, true}, {"", true}});
  return sides;
}

std::vector<HostSide> one_by_one(const std::vector<HostSide>& sides) {
  std::vector<HostSide> result;
  for (HostSide side : sides) {
    unsigned left = std::exchange(side.count, std::uint16_t{1});
    for (; left > 0; --left, ++side.host_port, ++side.container_port) result.push_back(side);
  }
  return result;
}

/// A socket of the host's network for each, as long as we are there; empty where there is no such protocol.
std::vector<base::UniqueFd> open_sockets(const std::vector<HostSide>& sides) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
  std::vector<base::UniqueFd> sockets;
  for (const HostSide& side : sides) {
    sockets.emplace_back(::socket(side.is_ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!sockets.back() && errno != EAFNOSUPPORT) throw base::os_error("making a socket for port ", side.host_port);
  }
  return sockets;
}

// Root keeps its right to low ports until they are bound: it need not enter the user namespace.
void enter(int user_namespace, int network_namespace) {
  if (::setns(network_namespace, CLONE_NEWNET) == 0) return;
  if (errno != EPERM) throw base::os_error("joining a network namespace");
  enter_user_namespace(user_namespace);
  if (::setns(network_namespace, CLONE_NEWNET) != 0) throw base::os_error("joining a network namespace");
}

/// False, with errno, when it cannot be bound.
bool bind_to(int socket, const std::string& address, std::uint16_t port) {
  const int one = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  const SocketAddress here = socket_address(address, port);
  if (here.family() == AF_INET6) ::setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
  if (::bind(socket, here.get(), here.size) != 0) return false;
  const bool is_other_loopback = is_loopback(address) && !is_ipv6(address);
  const SocketAddress from = socket_address(is_other_loopback ? ipv4_loopback : address, 0);
  return ::connect(socket, from.get(), from.size) == 0;
}

struct Bound {
  std::vector<RelayedPort> ports;
  std::string problem;
};

Bound bind_all(const std::vector<HostSide>& sides, std::vector<base::UniqueFd> sockets) {
  const std::string own_ipv4 = ipv4_address(), own_ipv6 = ipv6_address();
  Bound bound;
  for (std::size_t i = 0; i < sides.size(); ++i) {
    const std::string& own = sides[i].is_ipv6 ? own_ipv6 : own_ipv4;
    const std::string& address = sides[i].address.empty() ? own : sides[i].address;
    if (!sockets[i] || own.empty()) continue;
    // The helper shows all other addresses of the host as they are.
    if (!is_loopback(address) && !(socket_address(address, 0) == socket_address(own, 0))) continue;
    if (bind_to(sockets[i].get(), address, sides[i].host_port))
      bound.ports.push_back({std::move(sockets[i]), socket_address(own, sides[i].container_port)});
    else if (errno != EADDRNOTAVAIL && bound.problem.empty())
      bound.problem = base::concat(address, " port ", sides[i].host_port, ": ", std::strerror(errno));
  }
  return bound;
}

void give_up_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> none{};
  if (::syscall(SYS_capset, &header, none.data()) != 0 || ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    throw base::os_error("giving capabilities up");
}

}  // namespace

bool operator==(const HostSide& left, const HostSide& right) {
  return order_of(left) == order_of(right);
}

std::vector<HostSide> unanswered_datagrams(const std::string& helper, const NetworkOptions& options) {
  std::vector<HostSide> result;
  const bool is_pasta = helper == "pasta";
  if (!is_pasta && options.allow_host_loopback) return result;
  for (const PortMapping& mapping : options.ports) {
    if (mapping.protocol != "udp") continue;
    for (HostSide side : sides_of(mapping, is_pasta)) {
      side.host_port = mapping.host_port;
      side.container_port = mapping.container_port;
      side.count = mapping.count;
      result.push_back(side);
    }
  }
  return result;
}

std::string host_side_word(const HostSide& side) {
  return base::concat(side.address, '/', side.is_ipv6 ? 6 : 4, '/', side.host_port, '/', side.container_port, '/',
                      side.count);
}

HostSide parse_host_side(const std::string& word) {
  const std::vector<std::string_view> parts = base::split(word, '/');
  std::array<std::uint16_t, 4> numbers{};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto number = parts.size() == numbers.size() + 1 ? base::parse_unsigned(parts[i + 1]) : std::nullopt;
    if (!number || *number > UINT16_MAX)
      throw base::make_error(base::ErrorKind::invalid_argument, "not a place for datagrams: ", base::quoted(word));
    numbers[i] = static_cast<std::uint16_t>(*number);
  }
  return {std::string{parts[0]}, numbers[0] == 6, numbers[1], numbers[2], numbers[3]};
}

void relay_host_datagrams(const std::vector<HostSide>& ranges, int user_namespace, int network_namespace, int end,
                          void (*ready)(const std::string& problem)) {
  const std::vector<HostSide> sides = one_by_one(ranges);
  std::vector<base::UniqueFd> sockets = open_sockets(sides);
  enter(user_namespace, network_namespace);
  Bound bound = bind_all(sides, std::move(sockets));
  give_up_capabilities();
  DatagramRelay relay{std::move(bound.ports)};
  ready(bound.problem);
  relay.run_until(end);
}

}  // namespace rootless
