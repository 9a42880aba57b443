#include <memory>

#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/table.hpp"
#include "engine/explain_config.hpp"

namespace cmd {
namespace {

void write_key(base::JsonWriter& json, const engine::ExplainedKey& key) {
  json.begin_object().member("Configuration", key.configuration).member("Key", key.key);
  json.member("Value", key.value).member("Winner", key.winner);
  json.key("Files").begin_array();
  for (const engine::ExplainedFile& file : key.files) {
    json.begin_object().member("Path", file.file.path).member("State", file.file.state);
    if (file.value) json.member("Value", *file.value);
    json.member("Wins", file.wins).end_object();
  }
  json.end_array().member("Notes", key.notes).end_object();
}

std::string for_people(const engine::ExplainedKey& key) {
  std::string text = base::concat(key.configuration, ".conf ", key.key, " = ", key.value, "\n  from ",
                                  key.winner == "default" ? "the built-in default" : key.winner, "\n\n");
  Table table({"FILE", "STATE", "VALUE"});
  for (const engine::ExplainedFile& file : key.files) {
    const std::string value = file.value ? base::concat(*file.value, file.wins ? "  <- counts" : "") : "-";
    table.add_row({file.file.path, file.file.state, value});
  }
  text += table.text(true);
  for (const std::string& note : key.notes) text += base::concat("\nnote: ", note, "\n");
  return text;
}

}  // namespace

Action declare_config_explain(OptionTable& table) {
  struct Words {
    std::string format, key;
  };
  const auto words = std::make_shared<Words>();
  declare_plain_format_option(table, words->format);
  table.word("KEY", words->key, "Such as engine.retry or unqualified-search-registries");
  return [words](Invocation& invocation) {
    const Format format = parse_format(words->format);
    const engine::ExplainedKey key = engine::explain_config(invocation.engine().host, words->key);
    if (format == Format::people) {
      print(for_people(key));
      return 0;
    }
    base::JsonWriter json;
    write_key(json, key);
    print_line(indented_json(json.text()));
    return 0;
  };
}

Action declare_config_list(OptionTable& table) {
  const auto format = std::make_shared<std::string>();
  declare_plain_format_option(table, *format);
  return [format](Invocation& invocation) {
    const Format chosen = parse_format(*format);
    const std::vector<engine::ExplainedKey> keys = engine::explain_all_config(invocation.engine().host);
    if (chosen == Format::json) {
      base::JsonWriter json;
      json.begin_array();
      for (const engine::ExplainedKey& key : keys) write_key(json, key);
      json.end_array();
      print_line(indented_json(json.text()));
      return 0;
    }
    Table rows({"CONFIGURATION", "KEY", "VALUE", "FROM"});
    for (const engine::ExplainedKey& key : keys)
      rows.add_row({key.configuration, key.key, shortened(key.value, 40), key.winner});
    print(rows.text(true));
    return 0;
  };
}

}  // namespace cmd
