#include "registry/private_address.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstdint>
#include <cstring>
#include <netinet/in.h>
#include <string>

namespace registry {

namespace {

struct Range {
  std::uint32_t start;
  unsigned bits;
};
constexpr Range private_ranges[] = {{0x00000000, 8},  {0x0A000000, 8},  {0x64400000, 10}, {0x7F000000, 8},
                                    {0xA9FE0000, 16}, {0xAC100000, 12}, {0xC0A80000, 16}};

/// @param address  In the host's order of bytes.
bool is_private_v4(std::uint32_t address) {
  return std::any_of(std::begin(private_ranges), std::end(private_ranges), [&](const Range& range) {
    return (address >> (32 - range.bits)) == (range.start >> (32 - range.bits));
  });
}

bool is_private_v6(const in6_addr& address) {
  std::array<std::uint8_t, 16> bytes{};
  std::memcpy(bytes.data(), &address, bytes.size());
  const bool is_unique_local = (bytes[0] & 0xfe) == 0xfc;
  const bool is_link_local = bytes[0] == 0xfe && (bytes[1] & 0xc0) == 0x80;
  if (is_unique_local || is_link_local) return true;
  if (!std::all_of(bytes.begin(), bytes.begin() + 10, [](std::uint8_t byte) { return byte == 0; })) return false;
  std::uint32_t last = 0;  // of ::/80, with ::1 and :: as 0.0.0.1 and 0.0.0.0
  std::memcpy(&last, bytes.data() + 12, sizeof last);
  return is_private_v4(ntohl(last));
}

}  // namespace

bool is_private_address(const sockaddr& address) {
  if (address.sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address, sizeof v4);
    return is_private_v4(ntohl(v4.sin_addr.s_addr));
  }
  if (address.sa_family != AF_INET6) return true;
  sockaddr_in6 v6{};
  std::memcpy(&v6, &address, sizeof v6);
  return is_private_v6(v6.sin6_addr);
}

bool is_private_address(std::string_view text) {
  std::string address{text};
  if (address.size() > 2 && address.front() == '[' && address.back() == ']')
    address = address.substr(1, address.size() - 2);
  in_addr v4{};
  if (::inet_pton(AF_INET, address.c_str(), &v4) == 1) return is_private_v4(ntohl(v4.s_addr));
  in6_addr v6{};
  return ::inet_pton(AF_INET6, address.c_str(), &v6) == 1 && is_private_v6(v6);
}

}  // namespace registry
