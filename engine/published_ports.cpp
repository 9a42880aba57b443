#include "engine/published_ports.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "rootless/network_options.hpp"
#include "rootless/port_forwards.hpp"

namespace engine {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;
using rootless::PortMapping;

namespace {

constexpr std::size_t max_ports = 65536;

struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t count = 1;
};

std::uint16_t parse_port(std::string_view text, std::string_view which) {
  const auto number = base::parse_unsigned(text);
  if (!number || *number < 1 || *number > UINT16_MAX)
    throw make_error(ErrorKind::invalid_argument, which, " port ", quoted(text), " is not a number from 1 to 65535");
  return static_cast<std::uint16_t>(*number);
}

PortRange parse_range(std::string_view text, std::string_view which) {
  const auto pair = base::split_once(text, '-');
  if (!pair) return {parse_port(text, which), 1};
  const std::uint16_t first = parse_port(pair->first, which);
  const std::uint16_t last = parse_port(pair->second, which);
  if (last < first)
    throw make_error(ErrorKind::invalid_argument, which, " port range ", quoted(text), " ends before it begins");
  return {first, static_cast<std::uint16_t>(last - first + 1)};
}

std::string parse_protocol(std::string_view text) {
  std::string protocol{text};
  std::transform(protocol.begin(), protocol.end(), protocol.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  if (protocol == "tcp" || protocol == "udp" || protocol == "sctp") return protocol;
  throw make_error(ErrorKind::invalid_argument, "unrecognized protocol ", quoted(text), " in port mapping");
}

/// "[::1]:8080:80" and "127.0.0.1:8080:80" to the address and the rest.
std::pair<std::string, std::string_view> split_address(std::string_view text, std::string_view word) {
  const auto refuse = [&] {
    return make_error(ErrorKind::invalid_argument, "--publish ", quoted(word), " is not IP:HOSTPORT:PORT[/PROTOCOL]")
        .with_hint("an IPv6 address has brackets: [::1]:8080:80");
  };
  if (text.starts_with('[')) {
    const std::size_t end = text.find("]:");
    if (end == std::string_view::npos) throw refuse();
    std::string address{text.substr(1, end - 1)};
    if (!rootless::is_ipv6(address))
      throw make_error(ErrorKind::invalid_argument, "cannot parse ", quoted(address), " as an IP address");
    return {std::move(address), text.substr(end + 2)};
  }
  const auto colons = std::count(text.begin(), text.end(), ':');
  if (colons > 2) throw refuse();
  if (colons < 2) return {"", text};
  const auto pair = *base::split_once(text, ':');
  std::string address{pair.first};
  if (!address.empty() && !rootless::is_ipv4(address))
    throw make_error(ErrorKind::invalid_argument, "cannot parse ", quoted(address), " as an IP address");
  return {std::move(address), pair.second};
}

PortMapping one_port(const PortMapping& mapping, unsigned offset) {
  PortMapping one = mapping;
  one.host_port = static_cast<std::uint16_t>(mapping.host_port + offset);
  one.container_port = static_cast<std::uint16_t>(mapping.container_port + offset);
  one.count = 1;
  return one;
}

std::string key_of(const PortMapping& mapping) {
  return concat(mapping.container_port, '/', mapping.protocol);
}

std::string record_text(const PortMapping& mapping) {
  const std::string& ip = mapping.host_ip;
  return concat(rootless::is_ipv6(ip) ? concat('[', ip, ']') : ip, ':', mapping.host_port, ':', mapping.container_port,
                ':', mapping.count, '/', mapping.protocol);
}

std::optional<PortMapping> parse_record_text(std::string_view text) {
  const std::size_t end = text.starts_with('[') ? text.find("]:") : text.find(':');
  if (end == std::string_view::npos) return std::nullopt;
  PortMapping mapping;
  const bool has_brackets = text.starts_with('[');
  mapping.host_ip = has_brackets ? text.substr(1, end - 1) : text.substr(0, end);
  const auto protocol = base::split_once(text.substr(end + (has_brackets ? 2 : 1)), '/');
  if (!protocol) return std::nullopt;
  mapping.protocol = protocol->second;
  const std::vector<std::string_view> fields = base::split(protocol->first, ':');
  if (fields.size() != 3) return std::nullopt;
  std::uint16_t* const targets[] = {&mapping.host_port, &mapping.container_port, &mapping.count};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto number = base::parse_unsigned(fields[i]);
    if (!number || *number > UINT16_MAX) return std::nullopt;
    *targets[i] = static_cast<std::uint16_t>(*number);
  }
  return mapping;
}

void let_host_choose(std::vector<PortMapping>& mappings) {
  for (PortMapping& mapping : mappings)
    if (mapping.host_port == 0)
      mapping.host_port = rootless::free_host_port(mapping.host_ip, mapping.protocol, mapping.count);
}

/// -P: every exposed port that -p has not published leads somewhere.
void publish_exposed(std::vector<PortMapping>& mappings, const std::set<std::string>& exposed) {
  std::set<std::string> published;
  for (const PortMapping& mapping : mappings)
    for (unsigned i = 0; i < mapping.count; ++i) published.insert(key_of(one_port(mapping, i)));
  for (const std::string& text : exposed) {
    if (published.contains(text)) continue;
    const auto pair = base::split_once(text, '/');
    PortMapping mapping;
    mapping.container_port = parse_port(pair->first, "exposed");
    mapping.protocol = pair->second;
    mappings.push_back(std::move(mapping));
  }
}

std::set<std::string> all_exposed(const RunOptions& options, const std::vector<std::string>& exposed_by_image) {
  std::set<std::string> result;
  const auto add = [&](std::string_view word) {
    for (std::string& text : parse_expose(word)) result.insert(std::move(text));
  };
  for (const std::string& word : options.expose) add(word);
  for (const std::string& word : exposed_by_image) {
    try {
      add(word);
    } catch (const base::Error& error) {
      base::log(base::LogLevel::warn, "the image exposes what is no port: ", error.message());
    }
  }
  return result;
}

}  // namespace

PortMapping parse_publish(std::string_view word) {
  PortMapping mapping;
  std::string_view rest = word;
  if (const auto pair = base::split_once(word, '/')) {
    mapping.protocol = parse_protocol(pair->second);
    rest = pair->first;
  }
  auto [address, ports] = split_address(rest, word);
  mapping.host_ip = std::move(address);
  const auto pair = base::split_once(ports, ':');
  const PortRange inside = parse_range(pair ? pair->second : ports, "container");
  mapping.container_port = inside.first;
  mapping.count = inside.count;
  if (!pair || pair->first.empty()) return mapping;
  const PortRange outside = parse_range(pair->first, "host");
  if (outside.count != inside.count)
    throw make_error(ErrorKind::invalid_argument,
                     "host and container port ranges have different lengths: ", outside.count, " vs ", inside.count);
  mapping.host_port = outside.first;
  return mapping;
}

std::vector<std::string> parse_expose(std::string_view word) {
  const auto pair = base::split_once(word, '/');
  const std::string protocol = pair ? parse_protocol(pair->second) : "tcp";
  const PortRange range = parse_range(pair ? pair->first : word, "exposed");
  std::vector<std::string> result;
  for (unsigned i = 0; i < range.count; ++i) result.push_back(concat(range.first + i, '/', protocol));
  return result;
}

std::vector<PortMapping> joined_ranges(const std::vector<PortMapping>& mappings) {
  std::set<PortMapping> singles;
  for (const PortMapping& mapping : mappings)
    for (unsigned i = 0; i < mapping.count; ++i) singles.insert(one_port(mapping, i));
  std::vector<PortMapping> result;
  for (const PortMapping& one : singles) {
    PortMapping* last = result.empty() ? nullptr : &result.back();
    const bool goes_on = last != nullptr && last->protocol == one.protocol && last->host_ip == one.host_ip &&
                         last->host_port + last->count == one.host_port &&
                         last->container_port + last->count == one.container_port;
    if (goes_on)
      ++last->count;
    else
      result.push_back(one);
  }
  return result;
}

void choose_ports(storage::ContainerRecord& record, const RunOptions& options,
                  const std::vector<std::string>& exposed_by_image) {
  std::vector<PortMapping> mappings;
  std::size_t count = 0;
  for (const std::string& word : options.publish) {
    if (word.empty()) continue;
    mappings.push_back(parse_publish(word));
    count += mappings.back().count;
  }
  if (count > max_ports) throw make_error(ErrorKind::invalid_argument, "more than ", max_ports, " ports to publish");
  for (const std::string& word : options.expose) parse_expose(word);  // refused, whatever the network
  if (!rootless::is_user_network(record.network)) {
    if (!mappings.empty() || options.publish_all)
      base::log(base::LogLevel::warn, "port mappings have been discarded, as --network ", record.network,
                " has no ports of its own to publish");
    return;
  }
  const std::set<std::string> exposed = all_exposed(options, exposed_by_image);
  if (options.publish_all) publish_exposed(mappings, exposed);
  rootless::check_protocols(mappings);
  let_host_choose(mappings);
  for (const PortMapping& mapping : joined_ranges(mappings)) record.ports.push_back(record_text(mapping));
  record.exposed_ports.assign(exposed.begin(), exposed.end());
  record.publish_all = options.publish_all;
}

std::vector<PortMapping> published_ports(const std::vector<std::string>& recorded) {
  std::vector<PortMapping> mappings;
  for (const std::string& text : recorded)
    if (auto mapping = parse_record_text(text)) mappings.push_back(std::move(*mapping));
  return mappings;
}

std::vector<PortMapping> published_ports(const storage::ContainerRecord& record) {
  return published_ports(record.ports);
}

std::string ports_text(const std::vector<PortMapping>& mappings) {
  std::vector<std::string> texts;
  for (const PortMapping& mapping : mappings) {
    const auto range = [&](unsigned first) {
      return mapping.count == 1 ? std::to_string(first) : concat(first, '-', first + mapping.count - 1);
    };
    texts.push_back(concat(mapping.host_ip.empty() ? std::string_view{"0.0.0.0"} : mapping.host_ip, ':',
                           range(mapping.host_port), "->", range(mapping.container_port), '/', mapping.protocol));
  }
  return base::join(texts, ", ");
}

void write_port_map(base::JsonWriter& json, const storage::ContainerRecord& record) {
  std::map<std::string, std::vector<PortMapping>> by_port;  // in the order in which Go writes a map
  for (const PortMapping& mapping : published_ports(record))
    for (unsigned i = 0; i < mapping.count; ++i) {
      const PortMapping one = one_port(mapping, i);
      by_port[key_of(one)].push_back(one);
    }
  for (const std::string& text : record.exposed_ports) by_port.try_emplace(text);
  json.begin_object();
  for (const auto& [port, mappings] : by_port) {
    json.key(port);
    if (mappings.empty()) {
      json.null();
      continue;
    }
    json.begin_array();
    for (const PortMapping& mapping : mappings)
      json.begin_object()
          .member("HostIp", mapping.host_ip)
          .member("HostPort", std::to_string(mapping.host_port))
          .end_object();
    json.end_array();
  }
  json.end_object();
}

}  // namespace engine
