#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace registry {

/// An absolute http or https URL, checked strictly: what it holds may be put in a request line.
struct Url {
  std::string scheme;  ///< "http" or "https"
  std::string host;    ///< Lower case; an IPv6 literal keeps its brackets.
  std::uint16_t port = 0;
  std::string target;  ///< Path and query, beginning with '/'; no fragment.

  /// "https://host:port", the port left out where it is the scheme's own.
  std::string origin() const;
  std::string text() const { return origin() + target; }
  bool same_origin(const Url& other) const;
};

/// @throws Error network, for another scheme, user information, control bytes, blanks, backslashes, a bad host or port,
///   a numeric host that is not a plain dotted quad (resolvers read "127.1" and "0x7f.1" as addresses), or > 8 KiB.
Url parse_url(std::string_view text);

/// The target of a redirect: `location` absolute, scheme-relative, or relative to `base`. Source: RFC 3986 5.2.
Url resolve_location(const Url& base, std::string_view location);

/// Whether `host` is "localhost" or a loopback, unspecified or link-local IP literal: a place that only this machine
/// or this link can mean.
bool is_local_host(std::string_view host);
/// Whether `host` is "localhost" or a loopback address.
bool is_loopback_host(std::string_view host);

/// Percent-encodes everything but RFC 3986 "unreserved", for query values and forms.
std::string percent_encode(std::string_view text);

}  // namespace registry
