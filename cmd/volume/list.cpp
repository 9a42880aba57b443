#include <memory>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/report.hpp"
#include "cmd/shapes.hpp"
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
std::string objects_of(engine::Engine& engine, const std::vector<engine::VolumeSummary>& volumes) {
  std::vector<std::string> objects;
  for (const engine::VolumeSummary& volume : volumes)
    if (auto object = engine::inspect_volume(engine, volume.name)) objects.push_back(std::move(*object));
  return base::concat('[', base::join(objects, ","), ']');
}

void print_volumes(engine::Engine& engine, const ListWords& words) {
  const Form form = form_of(words.format);
  if (words.quiet && form != Form::own)
    throw base::make_error(base::ErrorKind::invalid_argument, "quiet and format flags cannot be used together");
  const std::vector<engine::VolumeSummary> volumes = engine::volumes(engine, words.filters);
  if (words.quiet) {
    for (const engine::VolumeSummary& volume : volumes) print_line(volume.name);
    return;
  }
  if (form == Form::json) return print_line(indented_json(objects_of(engine, volumes), 2));
  if (form == Form::text || form == Form::table)
    return Report("ls", volume_shapes, "[]*entities.VolumeListReport", objects_of(engine, volumes))
        .print_rows(words.format, {{"Name", "VOLUME NAME"}}, !words.no_heading);
  Table table{{"DRIVER", "VOLUME NAME"}};
  for (const engine::VolumeSummary& volume : volumes) table.add_row({"local", volume.name});
  if (!volumes.empty()) print(table.text(!words.no_heading));
}

}  // namespace

Action declare_volume_ls(OptionTable& table) {
  const auto words = std::make_shared<ListWords>();
  table.list("filter", 'f', "KEY=VALUE", words->filters,
             "Only what matches: name, label, label!, opt, dangling, anonymous, driver, scope, until, since");
  table.text("format", 0, "FORMAT", words->format, "table, json, or a Go template: {{.Name}} {{.Mountpoint}}");
  table.flag("noheading", 'n', words->no_heading, "Leave the headings out");
  table.flag("quiet", 'q', words->quiet, "Show names only");
  return [words](Invocation& invocation) {
    print_volumes(invocation.engine(), *words);
    return 0;
  };
}

}  // namespace cmd
