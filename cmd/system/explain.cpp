#include "engine/explain.hpp"

#include <memory>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/table.hpp"

namespace cmd {
namespace {

using base::concat;

struct Words {
  std::vector<std::string> what;
  std::string format;
  bool list = false;
};

std::string text_of(const engine::Explanation& explanation) {
  std::string text;
  if (explanation.failure)
    text += concat(explanation.failure->command, " failed at ", explanation.failure->time, ":\n  ",
                   explanation.failure->message, "\n\n");
  if (explanation.kind == nullptr)
    return text + (explanation.failure && !explanation.failure->hint.empty()
                       ? concat("what helps: ", explanation.failure->hint, '\n')
                       : "Nothing more is known of this failure; engine doctor looks at the host.\n");
  text += concat(explanation.kind->id, ": ", explanation.kind->title, '\n', explanation.kind->meaning, '\n');
  for (const engine::Diagnosis& cause : explanation.causes) {
    text += concat("on this host: ", cause.result.evidence, " (", cause.id, ")\n");
    if (!cause.result.remedy.empty()) text += concat("  remedy: ", cause.result.remedy, '\n');
  }
  return text + concat("what helps: ", explanation.kind->remedy, '\n');
}

std::string json_of(const engine::Explanation& explanation) {
  base::JsonWriter json{4};
  json.begin_object().member("Id", explanation.kind == nullptr ? "" : explanation.kind->id);
  json.member("Title", explanation.kind == nullptr ? "" : explanation.kind->title);
  json.member("Message", explanation.failure ? explanation.failure->message : "");
  json.member("Meaning", explanation.kind == nullptr ? "" : explanation.kind->meaning);
  json.member("Remedy", explanation.kind == nullptr ? "" : explanation.kind->remedy).key("Causes").begin_array();
  for (const engine::Diagnosis& cause : explanation.causes) {
    json.begin_object().member("Id", cause.id).member("Evidence", cause.result.evidence);
    json.member("Remedy", cause.result.remedy).end_object();
  }
  json.end_array().end_object();
  return json.take();
}

int list_kinds() {
  Table table({"ID", "MEANS"});
  for (const engine::FailureKind& kind : engine::known_failures())
    table.add_row({std::string{kind.id}, std::string{kind.title}});
  print(table.text(true));
  return 0;
}

int explain(Invocation& invocation, const Words& words) {
  if (words.list) return list_kinds();
  if (!words.what.empty() && words.what.front() == "mount") {
    if (words.what.size() != 2)
      throw base::make_error(base::ErrorKind::invalid_argument, "explain mount takes one path of the host");
    for (const std::string& line : engine::explain_mount(invocation.engine(), words.what[1])) print_line(line);
    return 0;
  }
  if (words.what.size() > 1)
    throw base::make_error(base::ErrorKind::invalid_argument, "explain takes one id, LAST, or mount and a path");
  const bool is_json = parse_format(words.format) == Format::json;
  const auto explanation = engine::explain(invocation.engine(), words.what.empty() ? "LAST" : words.what.front());
  print(is_json ? json_of(explanation) + "\n" : text_of(explanation));
  return 0;
}

}  // namespace

Action declare_explain(OptionTable& table) {
  const auto words = std::make_shared<Words>();
  declare_plain_format_option(table, words->format);
  table.flag("list", 'l', words->list, "List what can be explained");
  table.words("WHAT", words->what, 0, "LAST (the default), the id of a failure, or mount and a path of the host");
  return [words](Invocation& invocation) { return explain(invocation, *words); };
}

}  // namespace cmd
