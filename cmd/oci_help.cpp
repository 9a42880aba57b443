#include "cmd/oci_help.hpp"

#include <algorithm>

#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/oci_runtime.hpp"

// Texts made from the table of oci_verbs.cpp.

namespace cmd {
namespace {

using base::concat;

using Rows = std::vector<std::pair<std::string, std::string>>;

std::string rows_text(const Rows& rows) {
  std::size_t width = 0;
  for (const auto& [left, right] : rows) width = std::max(width, left.size());
  std::string out;
  for (const auto& [left, right] : rows)
    out += concat("  ", left, std::string(width - left.size() + 2, ' '), right, '\n');
  return out;
}

template <class Options>
std::string options_text(const Options& options) {
  Rows rows;
  for (const OciOption& option : options) {
    if (option.help.empty()) continue;
    std::string left = option.short_name == '\0' ? "    " : concat('-', option.short_name, ", ");
    left += concat("--", option.name);
    if (option.takes_value()) left += concat(' ', option.value_name);
    rows.emplace_back(std::move(left), option.help);
  }
  return concat("\nOptions:\n", rows_text(rows));
}

std::string usage_of(const OciVerb& verb) {
  return concat("engine runtime ", verb.name, " [OPTIONS]", verb.operands.empty() ? "" : " ", verb.operands);
}

/// An option as `engine describe` shows those of other commands.
void add_option(base::JsonWriter& json, const OciOption& option) {
  const bool has_choices = option.value_name.find('|') != std::string_view::npos;
  const std::string_view completes = option.value_name == "FILE" || option.value_name == "SOCKET" ? "files"
                                     : option.value_name == "DIR"                                 ? "directories"
                                                                                                  : "";
  json.begin_object().member("name", option.name);
  json.member("letter", std::string_view{&option.short_name, option.short_name == '\0' ? 0U : 1U});
  json.member("kind", option.takes_value() ? "text" : "flag");
  json.member("value", has_choices ? std::string_view{"WORD"} : option.value_name);
  json.member("help", option.help).member("default", "");
  json.key("choices").begin_array();
  if (has_choices)
    for (const std::string_view word : base::split(option.value_name, '|')) json.value(word);
  json.end_array();
  json.member("completes", completes).end_object();
}

template <class Options>
void add_options(base::JsonWriter& json, const Options& options) {
  json.key("options").begin_array();
  for (const OciOption& option : options)
    if (!option.help.empty() && option.name != "help") add_option(json, option);
  json.end_array();
}

void add_verb(base::JsonWriter& json, const OciVerb& verb) {
  json.begin_object();
  json.key("paths").begin_array().value(concat("runtime ", verb.name)).end_array();
  json.member("summary", verb.summary).member("hidden", false).member("usage", usage_of(verb));
  json.member("options_end_at_first_word", verb.stop_at_word);
  add_options(json, options_of(verb));
  json.key("words").begin_array();
  if (!verb.operands.empty()) {
    json.begin_object().member("name", "ID").member("help", "A container");
    json.member("at_least", verb.at_least).member("many", verb.at_most > 1).member("completes", "").end_object();
  }
  json.end_array().end_object();
}

}  // namespace

std::string oci_overview() {
  Rows rows;
  for (const OciVerb& verb : oci_verbs()) rows.emplace_back(verb.name, verb.summary);
  return concat(
      "The OCI runtime, as podman, conmon, containerd and people call it\n\n"
      "Usage: engine runtime [OPTIONS] COMMAND [ARG...]\n\nCommands:\n",
      rows_text(rows), options_text(oci_global_options()),
      "\nSee engine runtime COMMAND --help for the options of a command.\n");
}

std::string oci_verb_help(const OciVerb& verb) {
  return concat(verb.summary, "\n\nUsage: ", usage_of(verb), '\n', options_text(options_of(verb)));
}

std::string oci_description() {
  base::JsonWriter json{1};
  json.begin_object();
  add_options(json, oci_global_options());
  json.key("commands").begin_array();
  for (const OciVerb& verb : oci_verbs()) add_verb(json, verb);
  json.end_array().end_object();
  return json.take();
}

}  // namespace cmd
