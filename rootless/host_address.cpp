#include "rootless/host_address.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <memory>
#include <net/if.h>
#include <netinet/in.h>

namespace rootless {
namespace {

/// Neither loopback nor of one link, nor multicast.
bool is_global(const in_addr& address) {
  const std::uint32_t number = ntohl(address.s_addr);
  return number != 0 && (number >> 24) != 127 && (number >> 16) != 0xa9fe && (number >> 28) != 14;
}

bool is_global(const in6_addr& address) {
  return !IN6_IS_ADDR_LOOPBACK(&address) && !IN6_IS_ADDR_LINKLOCAL(&address) && !IN6_IS_ADDR_MULTICAST(&address) &&
         !IN6_IS_ADDR_UNSPECIFIED(&address);
}

template <class Address>
std::string text_if_global(int family, const Address& address) {
  char text[INET6_ADDRSTRLEN];
  if (!is_global(address) || ::inet_ntop(family, &address, text, sizeof text) == nullptr) return {};
  return text;
}

}  // namespace

std::string host_address() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return {};
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> list{first, ::freeifaddrs};
  std::string ipv6;
  for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr || (entry->ifa_flags & IFF_UP) == 0) continue;
    if (entry->ifa_addr->sa_family == AF_INET) {
      std::string text = text_if_global(AF_INET, reinterpret_cast<const sockaddr_in*>(entry->ifa_addr)->sin_addr);
      if (!text.empty()) return text;
    } else if (entry->ifa_addr->sa_family == AF_INET6 && ipv6.empty()) {
      ipv6 = text_if_global(AF_INET6, reinterpret_cast<const sockaddr_in6*>(entry->ifa_addr)->sin6_addr);
    }
  }
  return ipv6;
}

}  // namespace rootless
