#include <memory>

#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/report.hpp"
#include "cmd/secret/shapes.hpp"
#include "cmd/table.hpp"
#include "engine/secrets.hpp"

namespace cmd {
namespace {

struct ListWords {
  std::vector<std::string> filters;
  std::string format;
  bool no_heading = false;
  bool quiet = false;
};

std::string ago(const std::string& text) {
  const auto time = base::parse_rfc3339(text);
  return time ? time_ago(*time) : std::string{};
}

std::string rows_as_json(const std::vector<storage::Secret>& secrets) {
  base::JsonWriter json;
  json.begin_array();
  for (const auto& secret : secrets) {
    json.begin_object().member("ID", secret.id).member("Name", secret.name).member("Driver", "file");
    json.member("CreatedAt", ago(secret.created)).member("UpdatedAt", ago(secret.updated)).end_object();
  }
  json.end_array();
  return json.take();
}

void print_secrets(engine::Engine& engine, const ListWords& words) {
  const std::vector<storage::Secret> secrets = engine::secrets(engine, words.filters);
  const Form form = form_of(words.format);
  if (words.quiet) {
    for (const auto& secret : secrets) print_line(secret.id);
    return;
  }
  if (form == Form::json) return print_line(indented_json(rows_as_json(secrets)));
  if (form == Form::text || form == Form::table)
    return Report("ls", secret_shapes, "[]*entities.SecretListReport", rows_as_json(secrets))
        .print_rows(words.format, {{"CreatedAt", "CREATED"}, {"UpdatedAt", "UPDATED"}}, !words.no_heading);
  Table table{{"ID", "NAME", "DRIVER", "CREATED", "UPDATED"}};
  for (const auto& secret : secrets)
    table.add_row({secret.id, secret.name, "file", ago(secret.created), ago(secret.updated)});
  print(table.text(!words.no_heading));
}

}  // namespace

Action declare_secret_ls(OptionTable& table) {
  const auto words = std::make_shared<ListWords>();
  table.list("filter", 'f', "KEY=VALUE", words->filters, "Only what matches: name=PART, id=BEGINNING");
  table.text("format", 0, "FORMAT", words->format, "table, json, or a Go template: {{.ID}} {{.Name}}");
  table.flag("noheading", 'n', words->no_heading, "Leave the headings out");
  table.flag("quiet", 'q', words->quiet, "Show ids only");
  return [words](Invocation& invocation) {
    print_secrets(invocation.engine(), *words);
    return 0;
  };
}

}  // namespace cmd
