#include <memory>

#include "cmd/commands.hpp"
#include "cmd/confirm.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/prune_words.hpp"

namespace cmd {
namespace {

std::string_view warning_of(const engine::PruneOptions& options) {
  return options.all ? "WARNING! This command removes all images without at least one container associated with them.\n"
                     : "WARNING! This command removes all dangling images.\n";
}

}  // namespace

Action declare_image_prune(OptionTable& table) {
  const auto words = std::make_shared<PruneWords>();
  table.flag("all", 'a', words->options.all,
             "Remove every image that no container uses, not only those without a name");
  declare_prune_options(table, *words);
  table.known("build-cache", 0, OptionKind::flag, Treatment::ignored);
  table.known("external", 0, OptionKind::flag, Treatment::ignored);
  return [words](Invocation& invocation) {
    if (words->asks() && !confirm(warning_of(words->options))) return 0;
    const engine::PruneReport report = engine::prune_images(invocation.engine(), words->options);
    if (words->options.dry_run) {
      print(dry_run_text(report));
      return 0;
    }
    for (const std::string& id : report.images) print_line(id);
    return 0;
  };
}

}  // namespace cmd
