#include <memory>

#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/table.hpp"
#include "engine/volumes.hpp"

namespace cmd {
namespace {

struct ListWords {
  std::vector<std::string> filters;
  std::string format;
  bool no_heading = false;
  bool quiet = false;
};

/// As podman's: the objects of `volume inspect`.
std::string list_json(engine::Engine& engine, const std::vector<engine::VolumeSummary>& volumes) {
  std::vector<std::string> objects;
  for (const engine::VolumeSummary& volume : volumes)
    if (auto object = engine::inspect_volume(engine, volume.name)) objects.push_back(std::move(*object));
  return indented_json(base::concat('[', base::join(objects, ","), ']'));
}

void print_volumes(engine::Engine& engine, const ListWords& words) {
  const Format format = parse_format(words.format);
  const std::vector<engine::VolumeSummary> volumes = engine::volumes(engine, words.filters);
  if (words.quiet) {
    for (const engine::VolumeSummary& volume : volumes) print_line(volume.name);
    return;
  }
  if (format == Format::json) return print_line(list_json(engine, volumes));
  Table table{{"DRIVER", "VOLUME NAME"}};
  for (const engine::VolumeSummary& volume : volumes) table.add_row({"local", volume.name});
  if (!volumes.empty()) print(table.text(!words.no_heading));
}

}  // namespace

Action declare_volume_ls(OptionTable& table) {
  const auto words = std::make_shared<ListWords>();
  table.list("filter", 'f', "KEY=VALUE", words->filters,
             "Only what matches: name, label, label!, opt, dangling, anonymous, driver, scope, until, since");
  table.text("format", 0, "FORMAT", words->format, "table, or json for scripts");
  table.flag("noheading", 'n', words->no_heading, "Leave the headings out");
  table.flag("quiet", 'q', words->quiet, "Show names only");
  return [words](Invocation& invocation) {
    print_volumes(invocation.engine(), *words);
    return 0;
  };
}

}  // namespace cmd
