#include <memory>

#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "cmd/manifest/words.hpp"
#include "cmd/output.hpp"
#include "cmd/registry/options.hpp"
#include "cmd/transfer_verbs.hpp"

namespace cmd {

Action declare_manifest_add(OptionTable& table) {
  const auto options = std::make_shared<engine::AddToListOptions>();
  table.flag("all", 0, options->all, "Of an index, add the images of all platforms");
  declare_instance_options(table, options->words);
  declare_remote_options(table, options->remote);
  table.known("artifact", 0, OptionKind::flag, Treatment::refused, "false").refusal =
      "is not needed: engine artifact add makes an artifact, engine artifact push publishes it, and this adds it by "
      "name";
  for (const char* name :
       {"artifact-config", "artifact-config-type", "artifact-layer-type", "artifact-subject", "artifact-type"})
    table.known(name, 0, OptionKind::text, Treatment::refused);
  table.known("artifact-annotation", 0, OptionKind::list, Treatment::refused);
  table.known("artifact-exclude-titles", 0, OptionKind::flag, Treatment::refused, "false");
  table.word("LIST", options->list, "Name or id of the list").completes = Completes::images;
  table.words("IMAGE", options->images, 1, "Image of the store or of a registry, or a transport and a place")
      .completes = Completes::images;
  return [options](Invocation& invocation) {
    print_line(invocation.program.transfer->add_to_manifest_list(invocation.engine(), *options));
    return 0;
  };
}

}  // namespace cmd
