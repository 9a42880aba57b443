#include <memory>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/network/networks.hpp"
#include "cmd/output.hpp"
#include "cmd/report.hpp"
#include "cmd/table.hpp"
#include "engine/networks.hpp"

namespace cmd {

const std::string_view network_shapes = R"(networks.ListPrintReports
  types.Network embedded
  ID string method
  Labels string method
types.Network
  Name string name
  ID string id
  Driver string driver
  NetworkInterface string network_interface
  Created time.Time created,omitempty
  Subnets []types.Subnet subnets
  IPv6Enabled bool ipv6_enabled
  Internal bool internal
  DNSEnabled bool dns_enabled
  Labels map[string]string labels,omitempty
  Options map[string]string options,omitempty
  IPAMOptions map[string]string ipam_options
types.Subnet
  Subnet string subnet
  Gateway string gateway
)";

namespace {

struct ListWords {
  std::vector<std::string> filters;
  std::string format;
  bool no_heading = false;
  bool no_trunc = false;
  bool quiet = false;
};

std::string objects_of(const std::vector<engine::NamedNetwork>& networks) {
  std::vector<std::string> objects;
  for (const engine::NamedNetwork& network : networks) objects.push_back(engine::inspect_network(network));
  return base::concat('[', base::join(objects, ","), ']');
}

/// With what podman has as methods of ListPrintReports; what is built in has no labels.
std::string rows_of(const std::vector<engine::NamedNetwork>& networks, bool whole) {
  std::vector<std::string> rows;
  for (const engine::NamedNetwork& network : networks) {
    std::string row = engine::inspect_network(network);
    row.back() = ',';
    rows.push_back(base::concat(row, "\"ID()\":\"", shown_id(network.id, whole), "\",\"Labels()\":\"\"}"));
  }
  return base::concat('[', base::join(rows, ","), ']');
}

void print_networks(const ListWords& words) {
  const Form form = form_of(words.format);
  const std::vector<engine::NamedNetwork> networks = engine::named_networks(words.filters);
  if (words.quiet) {
    for (const engine::NamedNetwork& network : networks) print_line(network.name);
    return;
  }
  if (form == Form::json) return print_line(indented_json(objects_of(networks), 2));
  if (form == Form::text || form == Form::table)
    return Report("ls", network_shapes, "[]networks.ListPrintReports", rows_of(networks, words.no_trunc))
        .print_rows(words.format, {{"ID", "NETWORK ID"}}, !words.no_heading);
  Table table{{"NETWORK ID", "NAME", "DRIVER"}};
  for (const engine::NamedNetwork& network : networks)
    table.add_row({shown_id(network.id, words.no_trunc), network.name, network.driver});
  print(table.text(!words.no_heading));
}

}  // namespace

Action declare_network_ls(OptionTable& table) {
  const auto words = std::make_shared<ListWords>();
  table.list("filter", 'f', "KEY=VALUE", words->filters, "Only what matches: name, id, driver");
  table.text("format", 0, "FORMAT", words->format, "table, json, or a Go template: {{.Name}} {{.Driver}}");
  table.flag("no-trunc", 0, words->no_trunc, "Show ids whole");
  table.flag("noheading", 'n', words->no_heading, "Leave the headings out");
  table.flag("quiet", 'q', words->quiet, "Show names only");
  return [words](Invocation&) {
    print_networks(*words);
    return 0;
  };
}

Action declare_network_exists(OptionTable& table) {
  const auto name = std::make_shared<std::string>();
  table.word("NETWORK", *name, "Its name");
  return [name](Invocation&) { return engine::find_network(*name) ? 0 : 1; };
}

}  // namespace cmd
