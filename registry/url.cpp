#include "registry/url.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cstring>
#include <netinet/in.h>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"

namespace registry {

namespace {

constexpr std::size_t max_url_bytes = 8 * 1024;

base::Error bad_url(std::string_view text, std::string_view problem) {
  return base::make_error(base::ErrorKind::network, "URL ", base::quoted(text), " ", problem);
}

bool is_plain(char c) {
  return c > ' ' && c < 0x7f && c != '\\' && c != '"' && c != '<' && c != '>';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::optional<std::array<std::uint8_t, 4>> parse_ipv4(const std::string& host) {
  std::array<std::uint8_t, 4> bytes{};
  if (::inet_pton(AF_INET, host.c_str(), bytes.data()) != 1) return std::nullopt;
  return bytes;
}

std::optional<std::array<std::uint8_t, 16>> parse_ipv6(std::string_view host) {
  if (host.size() < 2 || host.front() != '[' || host.back() != ']') return std::nullopt;
  std::array<std::uint8_t, 16> bytes{};
  const std::string inner{host.substr(1, host.size() - 2)};
  if (::inet_pton(AF_INET6, inner.c_str(), bytes.data()) != 1) return std::nullopt;
  return bytes;
}

/// Whether a resolver could take the last label for a number: all digits, or 0x….
bool looks_numeric(std::string_view host) {
  if (!host.empty() && host.back() == '.') host.remove_suffix(1);
  const std::size_t dot = host.rfind('.');
  const std::string_view label = dot == std::string_view::npos ? host : host.substr(dot + 1);
  if (label.substr(0, 2) == "0x") return true;
  return !label.empty() && std::all_of(label.begin(), label.end(), is_digit);
}

bool is_valid_host(const std::string& host) {
  if (host.empty() || host.size() > 255) return false;
  if (host.front() == '[') return parse_ipv6(host).has_value();
  const bool good_bytes = std::all_of(
      host.begin(), host.end(), [](char c) { return is_digit(c) || is_letter(c) || c == '.' || c == '-' || c == '_'; });
  return good_bytes && (!looks_numeric(host) || parse_ipv4(host));
}

std::uint16_t default_port(std::string_view scheme) {
  return scheme == "https" ? 443 : 80;
}

/// Splits "host:port" into `url`.
void parse_authority(std::string_view whole, std::string_view authority, Url& url) {
  if (authority.find('@') != std::string_view::npos) throw bad_url(whole, "holds user information");
  std::size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && authority.find(']', colon) != std::string_view::npos)
    colon = std::string_view::npos;  // inside an IPv6 literal
  url.host = base::to_lower(authority.substr(0, colon));
  if (!is_valid_host(url.host)) throw bad_url(whole, "has a bad host");
  url.port = default_port(url.scheme);
  if (colon == std::string_view::npos) return;
  const std::optional<std::uint64_t> port = base::parse_unsigned(authority.substr(colon + 1));
  if (!port || *port == 0 || *port > 65535) throw bad_url(whole, "has a bad port");
  url.port = static_cast<std::uint16_t>(*port);
}

/// Whether `text` starts with "scheme:" (RFC 3986 3.1).
bool has_scheme(std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || !is_letter(text.front())) return false;
  return std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(colon),
                     [](char c) { return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; });
}

}  // namespace

std::string Url::origin() const {
  std::string text = base::concat(scheme, "://", host);
  if (port != default_port(scheme)) text += base::concat(":", port);
  return text;
}

bool Url::same_origin(const Url& other) const {
  return scheme == other.scheme && host == other.host && port == other.port;
}

Url parse_url(std::string_view text) {
  if (text.size() > max_url_bytes) throw bad_url(text.substr(0, 100), "is too long");
  if (!std::all_of(text.begin(), text.end(), is_plain)) throw bad_url(text, "holds a byte that no URL may hold");
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) throw bad_url(text, "is not absolute");
  Url url;
  url.scheme = base::to_lower(text.substr(0, scheme_end));
  if (url.scheme != "http" && url.scheme != "https") throw bad_url(text, "is neither http nor https");
  std::string_view rest = text.substr(scheme_end + 3);
  rest = rest.substr(0, rest.find('#'));
  const std::size_t authority_end = std::min(rest.find_first_of("/?"), rest.size());
  parse_authority(text, rest.substr(0, authority_end), url);
  const std::string_view target = rest.substr(authority_end);
  url.target = target.empty() || target.front() != '/' ? base::concat("/", target) : std::string{target};
  return url;
}

Url resolve_location(const Url& base, std::string_view location) {
  if (location.empty()) throw bad_url(location, "is empty");
  if (has_scheme(location)) return parse_url(location);
  if (location.substr(0, 2) == "//") return parse_url(base::concat(base.scheme, ":", location));
  if (location.front() == '/') return parse_url(base.origin() + std::string{location});
  const std::string path = base.target.substr(0, base.target.find('?'));
  if (location.front() == '?' || location.front() == '#')
    return parse_url(base.origin() + path + std::string{location});
  return parse_url(base.origin() + path.substr(0, path.rfind('/') + 1) + std::string{location});
}

bool is_loopback_host(std::string_view host) {
  if (host == "localhost" || (host.size() > 10 && host.substr(host.size() - 10) == ".localhost")) return true;
  if (const auto v4 = parse_ipv4(std::string{host})) return (*v4)[0] == 127;
  if (const auto v6 = parse_ipv6(host)) {
    static constexpr std::array<std::uint8_t, 12> mapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    if (std::memcmp(v6->data(), mapped.data(), mapped.size()) == 0) return (*v6)[12] == 127;
    return std::all_of(v6->begin(), v6->end() - 1, [](std::uint8_t byte) { return byte == 0; }) && v6->back() == 1;
  }
  return false;
}

bool is_local_host(std::string_view host) {
  if (is_loopback_host(host)) return true;
  if (const auto v4 = parse_ipv4(std::string{host})) return (*v4)[0] == 0 || ((*v4)[0] == 169 && (*v4)[1] == 254);
  const auto v6 = parse_ipv6(host);
  if (!v6) return false;
  const bool is_link_local = (*v6)[0] == 0xfe && ((*v6)[1] & 0xc0) == 0x80;
  const bool has_zero_prefix = std::all_of(v6->begin(), v6->begin() + 10, [](std::uint8_t byte) { return byte == 0; });
  return is_link_local || has_zero_prefix;  // the rest of ::/80 is unspecified, compatible and mapped addresses
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~')
      out.push_back(c);
    else
      out += base::concat("%", base::to_hex(&c, 1));
  }
  return out;
}

}  // namespace registry
