#include "rootless/network_options.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "base/error.hpp"
#include "base/text.hpp"

namespace rootless {
namespace {

using base::ErrorKind;
using base::make_error;
using base::quoted;

constexpr std::string_view usual_cidr = "10.0.2.0/24";
constexpr unsigned max_prefix_bits = 25;  // slirp4netns needs room for the container's address, which is number 100

struct Network {
  std::uint32_t first = 0;  ///< In host order.
  unsigned prefix_bits = 0;
};

Network parse_network(std::string_view text) {
  const auto pair = base::split_once(text, '/');
  in_addr address{};
  const auto bits = pair ? base::parse_unsigned(pair->second) : std::nullopt;
  if (!bits || *bits < 1 || *bits > max_prefix_bits ||
      ::inet_pton(AF_INET, std::string{pair->first}.c_str(), &address) != 1)
    throw make_error(ErrorKind::invalid_argument, "cidr ", quoted(text), " is not an IPv4 network like 10.0.2.0/24");
  const auto prefix = static_cast<unsigned>(*bits);
  return {ntohl(address.s_addr) & ~((1U << (32 - prefix)) - 1), prefix};
}

bool parse_switch(std::string_view name, std::string_view value) {
  if (value == "true" || value == "false") return value == "true";
  throw make_error(ErrorKind::invalid_argument, "slirp4netns option ", name, " is true or false, not ", quoted(value));
}

unsigned parse_mtu(std::string_view value) {
  const auto number = base::parse_unsigned(value);
  if (!number || *number < 68 || *number > 65521)
    throw make_error(ErrorKind::invalid_argument, "slirp4netns option mtu is a number from 68 to 65521, not ",
                     quoted(value));
  return static_cast<unsigned>(*number);
}

/// Addresses of ours or names of interfaces. One word, so that it can be nothing else on a command line.
std::string parse_outbound(std::string_view value) {
  if (value.empty() || value.find_first_of(" \t\n/") != std::string_view::npos)
    throw make_error(ErrorKind::invalid_argument, "slirp4netns: outbound address ", quoted(value), " is not one word");
  return std::string{value};
}

void add_slirp_option(NetworkOptions& options, std::string_view word) {
  const auto pair = base::split_once(word, '=');
  const std::string_view name = pair ? pair->first : word;
  const std::string_view value = pair ? pair->second : std::string_view{};
  if (name == "allow_host_loopback") {
    options.allow_host_loopback = parse_switch(name, value);
  } else if (name == "enable_ipv6") {
    options.ipv6 = parse_switch(name, value);
  } else if (name == "mtu") {
    options.mtu = parse_mtu(value);
  } else if (name == "cidr") {
    parse_network(value);
    options.cidr = value;
  } else if (name == "outbound_addr") {
    options.outbound_address = parse_outbound(value);
  } else if (name == "outbound_addr6") {
    options.outbound_address6 = parse_outbound(value);
  } else if (name != "port_handler" || (value != "slirp4netns" && value != "rootlesskit")) {
    // Ports are forwarded by slirp4netns itself, whichever handler is asked for: it keeps the source address.
    throw make_error(ErrorKind::invalid_argument, "unknown option for slirp4netns: ", quoted(word))
        .with_hint("known: allow_host_loopback, cidr, enable_ipv6, mtu, outbound_addr, outbound_addr6, port_handler");
  }
}

}  // namespace

bool is_user_network(std::string_view mode) {
  const std::string_view name = mode.substr(0, mode.find(':'));
  return mode == "private" || mode == "bridge" || name == "slirp4netns" || name == "pasta";
}

NetworkOptions parse_user_network(std::string_view mode) {
  NetworkOptions options;
  const auto pair = base::split_once(mode, ':');
  const std::string_view name = pair ? pair->first : mode;
  if (name == "slirp4netns" || name == "pasta") options.helper = name;
  if (!pair || pair->second.empty()) return options;
  for (const std::string_view word : base::split(pair->second, ',')) {
    if (name == "pasta")
      options.pasta_words.emplace_back(word);
    else
      add_slirp_option(options, word);
  }
  return options;
}

std::string slirp_address(const NetworkOptions& options, unsigned number) {
  const Network network = parse_network(options.cidr.empty() ? usual_cidr : std::string_view{options.cidr});
  in_addr address{};
  address.s_addr = htonl(network.first + number);
  char text[INET_ADDRSTRLEN];
  ::inet_ntop(AF_INET, &address, text, sizeof text);
  return text;
}

}  // namespace rootless
