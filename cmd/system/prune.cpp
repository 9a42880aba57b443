#include <memory>

#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/confirm.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/prune_words.hpp"

namespace cmd {
namespace {

std::string warning_of(const engine::PruneOptions& options) {
  std::string text = "WARNING! This command removes:\n\t- all stopped containers\n";
  text += "\t- all networks not used by at least one container\n";
  if (options.volumes) text += "\t- all volumes not used by at least one container\n";
  text += options.all ? "\t- all images without at least one container associated with them\n\t- all build cache\n"
                      : "\t- all dangling images\n\t- all dangling build cache\n";
  if (options.blobs)
    text +=
        "\t- the compressed layers of all images: push and save have to compress them again, and other id maps\n"
        "\t  and repairs have to fetch them\n";
  return base::concat(text, '\n');
}

std::string report_text(const engine::PruneReport& report) {
  std::string text = list_under("Deleted Containers", report.containers);
  text += list_under("Deleted Volumes", report.volumes);
  text += list_under("Deleted Images", report.images);
  if (report.blobs > 0)
    text += base::concat("Deleted ", report.blobs, " compressed layers: push and save compress them again\n");
  return base::concat(text, "Total reclaimed space: ", base::human_size(report.reclaimed_bytes), '\n');
}

}  // namespace

Action declare_system_prune(OptionTable& table) {
  const auto words = std::make_shared<PruneWords>();
  engine::PruneOptions& options = words->options;
  table.flag("all", 'a', options.all, "Remove every image that no container uses, not only those without a name");
  table.flag("blobs", 0, options.blobs,
             "Remove the compressed layers of all images as well; push and save have to compress them again");
  declare_prune_options(table, *words);
  table.flag("volumes", 0, options.volumes, "Remove volumes that no container uses as well");
  table.known("build", 0, OptionKind::flag, Treatment::ignored);
  table.known("external", 0, OptionKind::flag, Treatment::ignored);
  return [words](Invocation& invocation) {
    if (words->asks() && !confirm(warning_of(words->options))) return 0;
    const engine::PruneReport report = engine::prune_system(invocation.engine(), words->options);
    print(words->options.dry_run ? dry_run_text(report) : report_text(report));
    return 0;
  };
}

}  // namespace cmd
