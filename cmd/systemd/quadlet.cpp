#include <memory>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/report.hpp"
#include "cmd/table.hpp"
#include "engine/fetch.hpp"
#include "engine/quadlet_verbs.hpp"

namespace cmd {
namespace {

constexpr std::string_view quadlet_shapes = R"(entities.ListQuadlet
  Name string
  UnitName string
  Path string
  Status string
  App string
  Pod string Pod,omitempty
)";

struct ListWords {
  std::vector<std::string> filters;
  std::string format;
  bool no_heading = false;
};

std::string objects_of(const std::vector<engine::QuadletSummary>& quadlets) {
  base::JsonWriter json;
  json.begin_array();
  for (const engine::QuadletSummary& quadlet : quadlets) {
    json.begin_object().member("Name", quadlet.name).member("UnitName", quadlet.unit_name);
    json.member("Path", quadlet.path).member("Status", quadlet.status).member("App", "");
    if (!quadlet.pod.empty()) json.member("Pod", quadlet.pod);
    json.end_object();
  }
  json.end_array();
  return json.take();
}

void print_quadlets(const ListWords& words) {
  const Form form = form_of(words.format);
  const std::vector<engine::QuadletSummary> quadlets = engine::quadlet_list(words.filters);
  if (form == Form::json) return print_line(indented_json(objects_of(quadlets), 4));
  if (form != Form::own)
    return Report("list", quadlet_shapes, "[]entities.ListQuadlet", objects_of(quadlets))
        .print_rows(words.format, {{"UnitName", "UNIT NAME"}, {"Path", "PATH ON DISK"}, {"App", "APPLICATION"}},
                    !words.no_heading);
  Table table{{"NAME", "UNIT NAME", "PATH ON DISK", "STATUS"}};
  for (const engine::QuadletSummary& quadlet : quadlets)
    table.add_row({quadlet.name, quadlet.unit_name, quadlet.path, quadlet.status});
  print(table.text(!words.no_heading));
}

}  // namespace

Action declare_quadlet_install(OptionTable& table) {
  const auto options = std::make_shared<engine::QuadletInstallOptions>();
  table.flag("reload-systemd", 0, options->reload, "Tell systemd of the new files");
  table.flag("replace", 'r', options->replace, "Overwrite files that are there");
  table.words("FILE", options->paths, 1, "Quadlet files, files that belong to them, folders of both, or URLs")
      .completes = Completes::files;
  return [options](Invocation& invocation) {
    options->fetch = [&](const std::string& url) { return engine::fetch_file(invocation.engine(), url); };
    for (const std::string& path : engine::quadlet_install(*options)) print_line(path);
    return 0;
  };
}

Action declare_quadlet_list(OptionTable& table) {
  const auto words = std::make_shared<ListWords>();
  table.list("filter", 'f', "KEY=VALUE", words->filters, "Only what matches: name (with * and ?), status");
  table.text("format", 0, "FORMAT", words->format, "table, json, or a Go template: {{.Name}} {{.UnitName}}");
  table.flag("noheading", 'n', words->no_heading, "Leave the headings out");
  return [words](Invocation&) {
    print_quadlets(*words);
    return 0;
  };
}

Action declare_quadlet_print(OptionTable& table) {
  const auto name = std::make_shared<std::string>();
  table.word("QUADLET", *name, "Name of a file, such as web.container");
  return [name](Invocation&) {
    print(engine::quadlet_print(*name));
    return 0;
  };
}

Action declare_quadlet_rm(OptionTable& table) {
  const auto options = std::make_shared<engine::QuadletRemoveOptions>();
  table.flag("all", 'a', options->all, "Remove all of the user's files");
  table.flag("force", 'f', options->force, "Stop what runs");
  table.flag("ignore", 'i', options->ignore, "Say nothing of files that do not exist");
  table.flag("reload-systemd", 0, options->reload, "Tell systemd that the files are gone");
  table.words("QUADLET", options->names, 0, "Names of files, such as web.container");
  return [options](Invocation& invocation) {
    if (!options->all && options->names.empty())
      throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(invocation.command_path),
                             " needs at least one QUADLET, or --all");
    for (const std::string& name : engine::quadlet_remove(*options)) print_line(name);
    return 0;
  };
}

}  // namespace cmd
