#include <memory>

#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/registry/options.hpp"
#include "cmd/transfer_verbs.hpp"

namespace cmd {

Action declare_manifest_inspect(OptionTable& table) {
  struct Words {
    engine::InspectListOptions options;
    std::string format;
    bool verbose = false;
  };
  const auto words = std::make_shared<Words>();
  table.text("format", 'f', "FORMAT", words->format, "json, which is what is shown anyway").choices("json");
  table.flag("verbose", 'v', words->verbose, "Accepted for docker's sake").hide();
  declare_remote_options(table, words->options.remote);
  table.word("LIST", words->options.name, "Name of the store or of a registry, or a transport and a place").completes =
      Completes::images;
  return [words](Invocation& invocation) {
    const engine::InspectedList list =
        invocation.program.transfer->inspect_manifest_list(invocation.engine(), words->options);
    if (!list.is_list)
      print_warning(base::concat("the manifest type ", list.media_type, " is not a list but a single image"));
    print_line(indented_json(list.bytes));
    return 0;
  };
}

}  // namespace cmd
