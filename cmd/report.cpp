#include "cmd/report.hpp"

#include <algorithm>
#include <optional>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "cmd/output.hpp"
#include "cmd/tab_writer.hpp"
#include "engine/templates/moment.hpp"
#include "engine/templates/template.hpp"

namespace cmd {
namespace {

using engine::templates::Field;
using engine::templates::Kind;
using engine::templates::Template;
using engine::templates::Type;
using engine::templates::Value;

constexpr std::string_view table_word = "table ";
constexpr std::size_t max_report_bytes = 64UL * 1024 * 1024;

/// `\t` and `\n` in two characters, as a shell passes them, become tab and line end; there is a line end at the end.
/// In a table blanks are tabs, also those inside of actions.
std::string normalized(std::string_view format, bool is_table) {
  std::string text;
  for (std::size_t at = 0; at < format.size(); ++at) {
    const std::string_view pair = format.substr(at, 2);
    if (is_table && format.substr(at).starts_with(table_word)) {
      at += table_word.size() - 1;
    } else if (pair == "\\t" || pair == "\\n") {
      text += pair == "\\t" ? '\t' : '\n';
      ++at;
    } else {
      text += is_table && format[at] == ' ' ? '\t' : format[at];
    }
  }
  if (!text.ends_with('\n')) text += '\n';
  return text;
}

/// A position behind `{{ WORD … }}` in `text` from `at` on, with only blanks around `words`; nothing when there is
/// none.
std::optional<std::size_t> find_action(std::string_view text, std::string_view word, std::string_view argument,
                                       bool may_trim) {
  constexpr std::string_view blanks = " \t\r\n\f\v";
  for (std::size_t at = text.find("{{"); at != std::string_view::npos; at = text.find("{{", at + 1)) {
    std::string_view rest = text.substr(at + 2);
    const auto skip_blanks = [&] { rest.remove_prefix(std::min(rest.find_first_not_of(blanks), rest.size())); };
    skip_blanks();
    if (!rest.starts_with(word)) continue;
    rest.remove_prefix(word.size());
    skip_blanks();
    if (!rest.starts_with(argument)) continue;
    rest.remove_prefix(argument.size());
    skip_blanks();
    if (may_trim && rest.starts_with('-')) rest.remove_prefix(1);
    skip_blanks();
    if (rest.starts_with("}}")) return text.size() - rest.size() + 2;
  }
  return std::nullopt;
}

/// The template for all rows: as podman, unless it ranges over all of them itself.
std::string ranged(const std::string& text) {
  const auto range = find_action(text, "range", ".", false);
  if (range && find_action(std::string_view{text}.substr(*range), "end", "", true)) return text;
  return base::concat("{{range .}}", text, "{{end -}}");
}

/// Escapes may be meant for the template itself: `{{printf "\n"}}` is parsed as it was typed. Its error is shown, then.
Template parse(const std::string& name, const std::string& normal, const std::string& typed) {
  try {
    return Template::parse(name, normal);
  } catch (const base::Error&) {
    return Template::parse(name, typed);
  }
}

/// Prints also what was made before an error, as Go does.
template <class Work>
void print_made(bool aligned, const Work& work) {
  std::string out;
  try {
    work(out);
  } catch (...) {
    print(aligned ? align_tabs(out) : out);
    throw;
  }
  print(aligned ? align_tabs(out) : out);
}

/// What docker makes of a template: one execution for each object, so that `$` is the object and `define` may stand
/// first. Nothing when docker would refuse it, too.
std::optional<std::string> each_alone(const std::string& name, const std::string& text, const Value& rows) {
  try {
    const Template parsed = Template::parse(name, text);
    std::string out;
    for (const Value& row : engine::templates::follow(rows).elements()) parsed.execute(row, out);
    return out;
  } catch (const base::Error&) {
    return std::nullopt;
  }
}

void collect_headings(const Type& type, engine::templates::Entries& entries, const Headings& special) {
  for (const Field& field : type.fields) {
    if (field.method) continue;
    if (field.embedded && field.type->kind == Kind::structure) {
      collect_headings(*field.type, entries, special);
      continue;
    }
    const bool is_special =
        std::any_of(special.begin(), special.end(), [&](const auto& one) { return one.first == field.name; });
    if (!is_special)
      entries.push_back(
          {engine::templates::make_text(field.name), engine::templates::make_text(heading_of(field.name))});
  }
}

/// A list of one row that has the headings in the place of values.
Value heading_row(engine::templates::Types& types, const Type& rows, const Headings& special) {
  engine::templates::Entries entries;
  const Type* row = rows.element;
  while (row->kind == Kind::pointer) row = row->element;
  collect_headings(*row, entries, special);
  for (const auto& [field, heading] : special)
    entries.push_back(
        {engine::templates::make_text(std::string{field}), engine::templates::make_text(std::string{heading})});
  Value map = engine::templates::make_map(types.find("map[string]string"), std::move(entries));
  return engine::templates::make_list(types.find("[]map[string]string"), {std::move(map)});
}

bool is_upper(char letter) {
  return letter >= 'A' && letter <= 'Z';
}
bool is_lower(char letter) {
  return letter >= 'a' && letter <= 'z';
}

}  // namespace

Form form_of(std::string_view format) {
  if (format.empty() || format == "table") return Form::own;
  const std::string_view words = base::trim(format);
  const bool is_one_action = words.starts_with("{{") && words.find("{{", 2) == std::string_view::npos;
  if (words == "json" || (is_one_action && (find_action(words, "json", "", false) == words.size() ||
                                            find_action(words, "json", ".", false) == words.size())))
    return Form::json;
  return format.starts_with(table_word) ? Form::table : Form::text;
}

Report::Report(std::string name, std::string_view shapes, std::string_view type, std::string_view json)
    : name_(std::move(name)) {
  types_.declare(shapes);
  value_ = value_of_json(types_.find(type), base::JsonAt::parse(json, name_, {.max_bytes = max_report_bytes}));
}

Report::Report(std::string name, const std::vector<std::string_view>& shapes, const std::vector<Object>& objects)
    : name_(std::move(name)) {
  for (const std::string_view one : shapes) types_.declare(one);
  engine::templates::Values elements;
  for (const auto& [type, json] : objects) {
    const auto parsed = base::JsonAt::parse(json, name_, {.max_bytes = max_report_bytes});
    elements.push_back(make_holder(types_.find("any"), value_of_json(types_.find(type), parsed)));
  }
  value_ = make_list(types_.find("[]any"), std::move(elements));
}

void Report::print_rows(const std::string& format, const Headings& headings, bool with_headings) const {
  if (!format.starts_with(table_word)) return print_texts(format);
  const Template parsed = parse(name_, base::concat("{{range .}}", normalized(format, true), "{{end -}}"),
                                base::concat("{{range .}}", format, "{{end -}}"));
  print_made(true, [&](std::string& out) {
    engine::templates::Types types;
    if (with_headings) parsed.execute(heading_row(types, *value_.type, headings), out);
    parsed.execute(value_, out);
  });
}

/// As podman does; where podman refuses the template and docker does not, as docker does.
void Report::print_texts(const std::string& format) const {
  const std::string normal = normalized(format, false);
  std::string out;
  try {
    parse(name_, ranged(normal), ranged(format)).execute(value_, out);
  } catch (const base::Error&) {
    const std::optional<std::string> alone = each_alone(name_, normal, value_);
    print(alone ? *alone : out);  // Go, too, prints what was made before an error
    if (!alone) throw;
    return;
  }
  print(out);
}

void Report::print_object(const std::string& format) const {
  const Template parsed = parse(name_, normalized(format, false), format);
  print_made(false, [&](std::string& out) { parsed.execute(value_, out); });
}

std::string go_time(const std::optional<base::Time>& time) {
  if (!time) return {};
  const auto moment = engine::templates::parse_moment(base::format_rfc3339(*time));
  return moment ? engine::templates::moment_text(*moment) : std::string{};
}

std::string heading_of(std::string_view field) {
  std::string heading;
  for (std::size_t at = 0; at < field.size(); ++at) {
    const char letter = field[at];
    const char before = at > 0 ? field[at - 1] : letter;
    const char after = at + 1 < field.size() ? field[at + 1] : letter;
    const bool begins_word = is_upper(letter) && (!is_upper(before) || is_lower(after));
    if (at > 0 && begins_word) heading += ' ';
    heading += is_lower(letter) ? static_cast<char>(letter - 32) : letter;
  }
  return heading;
}

}  // namespace cmd
