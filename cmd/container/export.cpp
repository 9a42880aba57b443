#include <memory>

#include "base/error.hpp"
#include "cmd/archive_output.hpp"
#include "cmd/commands.hpp"
#include "engine/container_tree.hpp"

namespace cmd {

Action declare_export(OptionTable& table) {
  struct Words {
    std::string container, output;
  };
  const auto words = std::make_shared<Words>();
  table.text("output", 'o', "FILE", words->output, "Write to this file, not to standard output")
      .offers(Completes::files);
  table.word("CONTAINER", words->container, "Name or id").completes = Completes::containers;
  return [words](Invocation& invocation) {
    engine::Engine& engine = invocation.engine();
    write_archive(invocation, words->output,
                  [&](int output) { engine::export_container(engine, words->container, output); });
    return 0;
  };
}

}  // namespace cmd
