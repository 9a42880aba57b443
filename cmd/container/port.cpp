#include "engine/port.hpp"

#include <cstdint>
#include <memory>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/container/names.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"

namespace cmd {
namespace {

using base::ErrorKind;
using base::make_error;

/// "80", "53/udp"
struct WantedPort {
  std::uint16_t number = 0;
  std::string_view protocol = "tcp";
};

WantedPort parse_wanted(std::string_view text) {
  WantedPort wanted;
  std::string_view number = text;
  if (const auto pair = base::split_once(text, '/')) {
    number = pair->first;
    wanted.protocol = pair->second;
  }
  const auto value = base::parse_unsigned(number);
  if (!value || *value > UINT16_MAX || wanted.protocol.find('/') != std::string_view::npos)
    throw make_error(ErrorKind::invalid_argument, "port formats are port/protocol. ", base::quoted(text),
                     " is invalid");
  wanted.number = static_cast<std::uint16_t>(*value);
  return wanted;
}

template <class Mapping>
std::string host_of(const Mapping& mapping, unsigned offset) {
  return base::concat(mapping.host_ip.empty() ? std::string_view{"0.0.0.0"} : std::string_view{mapping.host_ip}, ':',
                      mapping.host_port + offset);
}

void print_all(const engine::ContainerPorts& container, const std::string& prefix) {
  for (const auto& mapping : container.ports)
    for (unsigned i = 0; i < mapping.count; ++i)
      print_line(base::concat(prefix, mapping.container_port + i, '/', mapping.protocol, " -> ", host_of(mapping, i)));
}

void print_wanted(const engine::ContainerPorts& container, const std::string& text) {
  const WantedPort wanted = parse_wanted(text);
  bool is_found = false;
  for (const auto& mapping : container.ports) {
    const unsigned offset = static_cast<unsigned>(wanted.number) - mapping.container_port;
    if (mapping.protocol != wanted.protocol || wanted.number < mapping.container_port || offset >= mapping.count)
      continue;
    print_line(host_of(mapping, offset));
    is_found = true;
  }
  if (!is_found) throw make_error(ErrorKind::not_found, "failed to find published port ", base::quoted(text));
}

struct PortWords {
  std::string container, port;
  bool all = false;
  bool latest = false;
};

/// The container, which is empty with --all, and the port, which is empty unless there is one.
std::pair<std::string, std::string> understood(Invocation& invocation, const PortWords& words) {
  if (words.all && words.latest)
    throw base::Error{ErrorKind::invalid_argument, "--all and --latest cannot be used together"};
  if (words.all && !words.container.empty())
    throw base::Error{ErrorKind::invalid_argument, "no arguments are needed with --all"};
  if (words.all) return {};
  if (words.latest && !words.port.empty())
    throw base::Error{ErrorKind::invalid_argument, "--latest goes without the name of a container"};
  if (words.latest) return {latest_container(invocation), words.container};
  if (words.container.empty())
    throw base::Error{ErrorKind::invalid_argument, "you must supply a running container name or id"}.with_hint(
        "engine port --all");
  return {words.container, words.port};
}

int show_ports(Invocation& invocation, const PortWords& words) {
  const auto [name, port] = understood(invocation, words);
  if (!port.empty()) parse_wanted(port);
  for (const engine::ContainerPorts& container : engine::ports_of_running(invocation.engine(), name)) {
    if (port.empty())
      print_all(container, words.all ? container.id.substr(0, 12) + '\t' : "");
    else
      print_wanted(container, port);
  }
  return 0;
}

}  // namespace

Action declare_port(OptionTable& table) {
  const auto words = std::make_shared<PortWords>();
  table.flag("all", 'a', words->all, "Show the ports of all running containers");
  table.flag("latest", 'l', words->latest, "Take the container that was created last");
  Positional& container = table.word("CONTAINER", words->container, "Name or id of a running container");
  container.at_least = 0;
  container.completes = Completes::running_containers;
  table.word("PORT", words->port, "Only where this port leads from, such as 80 or 53/udp").at_least = 0;
  return [words](Invocation& invocation) { return show_ports(invocation, *words); };
}

}  // namespace cmd
