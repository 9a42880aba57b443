#pragma once

#include <string_view>
#include <sys/socket.h>

namespace registry {

/// Whether an address means this machine, this link or a private network: loopback, unspecified, link-local, private
/// and shared ranges, and the same as mapped or compatible IPv6. Source: RFC 6890; RFC 4193; RFC 4291 2.5.
bool is_private_address(const sockaddr& address);
/// The same of an IP address as text, brackets of IPv6 or not; false for a name.
bool is_private_address(std::string_view text);

}  // namespace registry
