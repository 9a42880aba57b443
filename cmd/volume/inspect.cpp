#include <memory>

#include "base/error.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/each.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/report.hpp"
#include "cmd/shapes.hpp"
#include "cmd/volume/names.hpp"
#include "engine/volumes.hpp"

namespace cmd {
namespace {

struct InspectWords {
  VolumeChoice choice;
  std::string format;
};

/// One array of what was found; what was not is an error after the others had their turn.
int inspect_volumes(Invocation& invocation, const InspectWords& words) {
  std::vector<Report::Object> objects;
  const int code = for_each_name(chosen_volumes(invocation, words.choice), [&](const std::string& typed) {
    const std::string name = engine::find_volume_name(invocation.engine(), typed);
    auto object = engine::inspect_volume(invocation.engine(), name);
    if (!object) throw base::make_error(base::ErrorKind::not_found, "no such volume ", base::quoted(typed));
    objects.push_back({"*entities.VolumeInspectReport", std::move(*object)});
  });
  if (const Form form = form_of(words.format); form == Form::text || form == Form::table) {
    Report("inspect", {volume_shapes}, objects).print_rows(words.format, {});
    return code;
  }
  std::vector<std::string> texts;
  for (const Report::Object& object : objects) texts.push_back(object.json);
  print_line(indented_json(base::concat('[', base::join(texts, ","), ']'), inspect_indent));
  return code;
}

}  // namespace

Action declare_volume_inspect(OptionTable& table) {
  const auto words = std::make_shared<InspectWords>();
  declare_format_option(table, words->format);
  declare_volume_words(table, words->choice, true);
  return [words](Invocation& invocation) { return inspect_volumes(invocation, *words); };
}

}  // namespace cmd
