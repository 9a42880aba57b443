#include <memory>

#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/confirm.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/prune_words.hpp"

namespace cmd {
namespace {

/// podman names them before it asks, and asks nothing where there are none. Source: podman-volume-prune(1).
bool confirm_volumes(Invocation& invocation, const engine::PruneOptions& options) {
  const std::vector<std::string> names = engine::unused_volumes(invocation.engine(), options);
  if (names.empty()) {
    print_line("No dangling volumes found");
    return false;
  }
  return confirm(
      list_under("WARNING! This will remove all volumes not used by at least one container. The following volumes will "
                 "be removed:",
                 names));
}

}  // namespace

Action declare_volume_prune(OptionTable& table) {
  const auto words = std::make_shared<PruneWords>();
  declare_prune_options(table, *words);
  table.known("all", 'a', OptionKind::flag, Treatment::ignored);  // docker's: named ones as well, which we do
  return [words](Invocation& invocation) {
    if (words->asks() && !confirm_volumes(invocation, words->options)) return 0;
    const engine::PruneReport report = engine::prune_volumes(invocation.engine(), words->options);
    if (words->options.dry_run) {
      print(dry_run_text(report));
      return 0;
    }
    for (const std::string& name : report.volumes) print_line(name);
    return 0;
  };
}

}  // namespace cmd
