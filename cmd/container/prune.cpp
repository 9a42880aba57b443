#include <memory>

#include "cmd/commands.hpp"
#include "cmd/confirm.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/prune_words.hpp"

namespace cmd {

Action declare_container_prune(OptionTable& table) {
  const auto words = std::make_shared<PruneWords>();
  declare_prune_options(table, *words);
  return [words](Invocation& invocation) {
    if (words->asks() && !confirm("WARNING! This will remove all non running containers.\n")) return 0;
    const engine::PruneReport report = engine::prune_containers(invocation.engine(), words->options);
    if (words->options.dry_run) {
      print(dry_run_text(report));
      return 0;
    }
    for (const std::string& id : report.containers) print_line(id);
    return 0;
  };
}

}  // namespace cmd
