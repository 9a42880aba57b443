#include <memory>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/each.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/network/networks.hpp"
#include "cmd/output.hpp"
#include "cmd/report.hpp"
#include "engine/networks.hpp"

namespace cmd {
namespace {

struct InspectWords {
  std::vector<std::string> names;
  std::string format;
};

/// One array of what was found; what was not is an error after the others had their turn.
int inspect_networks(const InspectWords& words) {
  std::vector<std::string> objects;
  const int code = for_each_name(words.names, [&](const std::string& name) {
    const auto network = engine::find_network(name);
    if (!network)
      throw base::make_error(base::ErrorKind::not_found, "network ", name, ": unable to find network with name or ID ",
                             name, ": network not found")
          .with_hint("engine network ls");
    objects.push_back(engine::inspect_network(*network));
  });
  const std::string array = base::concat('[', base::join(objects, ","), ']');
  if (const Form form = form_of(words.format); form == Form::text || form == Form::table)
    Report("inspect", network_shapes, "[]types.Network", array).print_rows(words.format, {});
  else
    print_line(indented_json(array, inspect_indent));
  return code;
}

}  // namespace

Action declare_network_inspect(OptionTable& table) {
  const auto words = std::make_shared<InspectWords>();
  table.text("format", 'f', "FORMAT", words->format, "json, or a Go template: {{.Name}} {{.Subnets}}");
  table.words("NETWORK", words->names, 1, "Names or ids");
  return [words](Invocation&) { return inspect_networks(*words); };
}

}  // namespace cmd
