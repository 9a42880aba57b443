#include <memory>

#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/each.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/report.hpp"
#include "cmd/secret/shapes.hpp"
#include "engine/secrets.hpp"

namespace cmd {
namespace {

struct InspectWords {
  std::vector<std::string> names;
  std::string format;
  bool pretty = false;
  bool with_data = false;
};

constexpr std::string_view pretty_format =
    "ID:              {{.ID}}\nName:              {{.Spec.Name}}\nDriver:            {{.Spec.Driver.Name}}\n"
    "Created at:        {{.CreatedAt}}\nUpdated at:        {{.UpdatedAt}}";

/// One array of what was found; what was not is an error after the others had their turn.
int inspect_secrets(Invocation& invocation, const InspectWords& words) {
  std::vector<Report::Object> objects;
  std::vector<std::string> texts;
  const int code = for_each_name(words.names, [&](const std::string& name) {
    engine::Engine& engine = invocation.engine();
    std::string object = engine::inspect_secret(engine, engine::require_secret(engine, name), words.with_data);
    texts.push_back(object);
    objects.push_back({"*entities.SecretInfoReport", std::move(object)});
  });
  const std::string format = words.pretty ? std::string{pretty_format} : words.format;
  if (const Form form = form_of(format); form == Form::text || form == Form::table) {
    Report("inspect", {secret_shapes}, objects).print_rows(format, {});
    return code;
  }
  print_line(indented_json(base::concat('[', base::join(texts, ","), ']')));
  return code;
}

}  // namespace

Action declare_secret_inspect(OptionTable& table) {
  const auto words = std::make_shared<InspectWords>();
  table.text("format", 'f', "FORMAT", words->format, "json, or a Go template: {{.Spec.Name}}");
  table.flag("pretty", 0, words->pretty, "Show it as lines of text");
  table.flag("showsecret", 0, words->with_data, "Show the secret itself, too");
  table.words("SECRET", words->names, 1, "Names, ids, or the beginning of an id");
  return [words](Invocation& invocation) { return inspect_secrets(invocation, *words); };
}

}  // namespace cmd
