#include <memory>

#include "cmd/commands.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/registry/options.hpp"
#include "cmd/transfer_verbs.hpp"

namespace cmd {

Action declare_manifest_create(OptionTable& table) {
  const auto options = std::make_shared<engine::CreateListOptions>();
  table.flag("all", 0, options->all, "Of an index, add the images of all platforms");
  table.flag("amend", 'a', options->amend, "Add to the list, if there is one of that name");
  table.list("annotation", 0, "KEY=VALUE", options->annotations, "Add an annotation to the list");
  declare_remote_options(table, options->remote);
  table.word("LIST", options->name, "Name of the list");
  table.words("IMAGE", options->images, 0, "Images to begin with").completes = Completes::images;
  return [options](Invocation& invocation) {
    print_line(invocation.program.transfer->create_manifest_list(invocation.engine(), *options));
    return 0;
  };
}

}  // namespace cmd
