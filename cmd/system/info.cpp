#include <memory>

#include "base/json.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/report.hpp"
#include "cmd/shapes.hpp"

namespace cmd {
namespace {

void add_outline(std::string& out, const base::JsonAt& at, std::size_t depth);

void add_value(std::string& out, const base::JsonAt& value, std::size_t depth) {
  const bool has_children =
      (value.is_object() && !value.members().empty()) || (value.is_array() && !value.array().empty());
  if (has_children) {
    out += '\n';
    add_outline(out, value, depth + 1);
  } else {
    out += base::concat(' ', value.is_string() ? value.string() : value.dump(), '\n');
  }
}

/// YAML's look: a name, a colon, the value; lists with dashes.
void add_outline(std::string& out, const base::JsonAt& at, std::size_t depth) {
  const std::string indent(depth * 2, ' ');
  if (at.is_object()) {
    for (const auto& [name, value] : at.members()) {
      out += base::concat(indent, name, ':');
      add_value(out, value, depth);
    }
    return;
  }
  for (const base::JsonAt& element : at.array()) {
    std::string lines;
    if (element.is_object() && !element.members().empty()) {
      add_outline(lines, element, depth + 1);
      lines[indent.size()] = '-';
      out += lines;
    } else {
      out += base::concat(indent, '-');
      add_value(out, element, depth);
    }
  }
}

}  // namespace

Action declare_info(OptionTable& table) {
  const auto format = std::make_shared<std::string>();
  declare_format_option(table, *format);
  return [format](Invocation& invocation) {
    const Form form = form_of(*format);
    const std::string json = engine::info(invocation.engine());
    if (form == Form::json) {
      print_line(indented_json(json, 2));
      return 0;
    }
    if (form != Form::own) {
      Report("info", info_shapes, "*define.Info", json).print_object(*format);
      return 0;
    }
    std::string outline;
    add_outline(outline, base::JsonAt::parse(json, "info"), 0);
    print(outline);
    return 0;
  };
}

}  // namespace cmd
