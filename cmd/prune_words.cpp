#include "cmd/prune_words.hpp"

#include "base/text.hpp"

namespace cmd {

void declare_prune_options(OptionTable& table, PruneWords& words) {
  table.flag("dry-run", 0, words.options.dry_run,
             "Show what would be removed and how much that frees, and remove nothing");
  table.list("filter", 0, "KEY=VALUE", words.options.filters,
             "Only what matches: until=TIME or DURATION, label=KEY[=VALUE], label!=KEY[=VALUE]");
  table.flag("force", 'f', words.force, "Do not ask");
}

std::string list_under(const std::string& heading, const std::vector<std::string>& names) {
  if (names.empty()) return {};
  return base::concat(heading, '\n', base::join(names, "\n"), '\n');
}

std::string dry_run_text(const engine::PruneReport& report) {
  std::string text = list_under("Would remove containers", report.containers);
  text += list_under("Would remove volumes", report.volumes);
  text += list_under("Would remove images", report.images);
  if (report.blobs > 0) text += base::concat("Would remove ", report.blobs, " compressed layers of images that stay\n");
  return base::concat(text, "Would reclaim: ", base::human_size(report.reclaimed_bytes), '\n');
}

}  // namespace cmd
