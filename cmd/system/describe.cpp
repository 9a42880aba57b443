#include "cmd/describe.hpp"

#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/global_options.hpp"
#include "cmd/help.hpp"
#include "cmd/invocation.hpp"
#include "cmd/oci_runtime.hpp"
#include "cmd/output.hpp"
#include "cmd/version.hpp"

namespace cmd {
namespace {

using base::JsonWriter;

std::string_view name_of(OptionKind kind) {
  switch (kind) {
    case OptionKind::flag:
      return "flag";
    case OptionKind::optional_text:
      return "optional_text";
    case OptionKind::list:
    case OptionKind::comma_list:
      return "list";
    case OptionKind::number:
      return "number";
    case OptionKind::text:
      break;
  }
  return "text";
}

std::string_view name_of(Completes completes) {
  switch (completes) {
    case Completes::files:
      return "files";
    case Completes::directories:
      return "directories";
    case Completes::containers:
      return "containers";
    case Completes::volumes:
      return "volumes";
    case Completes::running_containers:
      return "running_containers";
    case Completes::images:
      return "images";
    case Completes::commands:
      return "commands";
    case Completes::nothing:
      break;
  }
  return "";
}

void add_words(JsonWriter& json, std::string_view key, std::string_view words) {
  json.key(key).begin_array();
  if (!words.empty()) {
    for (const std::string_view word : base::split(words, '|')) json.value(word);
  }
  json.end_array();
}

/// What a user sees; accepted and refused options are left out.
void add_options(JsonWriter& json, const OptionTable& table) {
  json.key("options").begin_array();
  for (const Option& option : table.options()) {
    if (option.hidden || option.treatment != Treatment::works) continue;
    json.begin_object();
    json.member("name", option.name);
    json.member("letter", std::string_view{&option.letter, option.letter == 0 ? 0U : 1U});
    json.member("kind", name_of(option.kind)).member("value", option.value_name);
    json.member("help", option.help).member("default", default_text(option));
    add_words(json, "choices", option.choice_words);
    json.member("completes", name_of(option.completes));
    json.end_object();
  }
  json.end_array();
}

void add_words_of(JsonWriter& json, const OptionTable& table) {
  json.key("words").begin_array();
  for (const Positional& positional : table.positionals()) {
    json.begin_object();
    json.member("name", positional.name).member("help", positional.help);
    json.member("at_least", positional.at_least).member("many", positional.takes_many());
    json.member("completes", name_of(positional.completes));
    json.end_object();
  }
  json.end_array();
}

void add_command(JsonWriter& json, const Command& command) {
  OptionTable table;
  const Action bound = command.declare(table);  // owns what the table points to
  json.begin_object();
  add_words(json, "paths", command.paths);
  json.member("summary", command.summary);
  json.member("hidden", command.visibility == Visibility::hidden);
  json.member("usage", usage_line(table, first_path(command)));
  json.member("options_end_at_first_word", table.words_mode() != WordsMode::anywhere);
  add_options(json, table);
  add_words_of(json, table);
  json.end_object();
}

}  // namespace

std::string description() {
  JsonWriter json{1};
  json.begin_object().member("program", "engine").member("version", version());
  GlobalWords globals;
  OptionTable global_table;
  declare_global_options(global_table, globals);
  add_options(json, global_table);
  json.key("groups").begin_array();
  for (const CommandGroup& group : all_groups()) {
    json.begin_object().member("name", group.name).member("summary", group.summary).end_object();
  }
  json.end_array();
  json.key("commands").begin_array();
  for (const Command& command : all_commands()) add_command(json, command);
  json.end_array();
  // It has a parser and a table of its own.
  json.key("runtime").raw(oci_description()).end_object();
  return json.take();
}

Action declare_describe(OptionTable&) {
  return [](Invocation&) {
    print_line(description());
    return 0;
  };
}

}  // namespace cmd
