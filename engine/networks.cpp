#include "engine/networks.hpp"

#include <algorithm>

#include "base/clock.hpp"
#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "rootless/network_options.hpp"

namespace engine {
namespace {

std::string id_of(std::string_view name) {
  base::Sha256 hash;
  hash.update(name);
  return std::string{hash.finish().hex()};
}

std::vector<NamedNetwork> all_networks() {
  std::vector<NamedNetwork> networks;
  for (const auto& [name, driver] :
       {std::pair{"podman", "bridge"}, std::pair{"host", "host"}, std::pair{"none", "null"}})
    networks.push_back({name, id_of(name), driver});
  return networks;
}

bool matches(const NamedNetwork& network, std::string_view key, std::string_view value) {
  if (key == "name") return network.name.find(value) != std::string::npos;
  if (key == "id") return network.id.starts_with(value);
  if (key == "driver") return network.driver == value;
  throw base::make_error(base::ErrorKind::invalid_argument, "invalid filter ", base::quoted(key))
      .with_hint("known filters: name, id, driver");
}

}  // namespace

std::vector<NamedNetwork> named_networks(const std::vector<std::string>& filters) {
  std::vector<NamedNetwork> networks = all_networks();
  for (const std::string& filter : filters) {
    const auto pair = base::split_once(filter, '=');
    if (!pair)
      throw base::make_error(base::ErrorKind::invalid_argument, "filter ", base::quoted(filter), " is not KEY=VALUE");
    std::erase_if(networks, [&](const NamedNetwork& one) { return !matches(one, pair->first, pair->second); });
  }
  return networks;
}

std::optional<NamedNetwork> find_network(const std::string& text) {
  const std::string name = text == "bridge" || text == "default" ? "podman" : text;
  for (const NamedNetwork& network : all_networks()) {
    const bool is_id = !name.empty() && network.id.starts_with(name);
    if (network.name == name || is_id) return network;
  }
  return std::nullopt;
}

std::string inspect_network(const NamedNetwork& network) {
  const bool is_user_network = network.driver == "bridge";
  base::JsonWriter json;
  json.begin_object().member("name", network.name).member("id", network.id).member("driver", network.driver);
  if (is_user_network) json.member("network_interface", "tap0");
  json.member("created", base::format_rfc3339(base::now()));
  if (is_user_network) {
    constexpr unsigned gateway = 2;
    json.key("subnets").begin_array().begin_object().member("subnet", "10.0.2.0/24");
    json.member("gateway", rootless::slirp_address({}, gateway)).end_object().end_array();
  }
  json.member("ipv6_enabled", false).member("internal", false).member("dns_enabled", false);
  json.key("ipam_options").begin_object().member("driver", is_user_network ? "host-local" : "none").end_object();
  json.end_object();
  return json.take();
}

}  // namespace engine
