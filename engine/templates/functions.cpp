#include "engine/templates/functions.hpp"

#include "base/error.hpp"
#include "engine/templates/print.hpp"

namespace engine::templates {
namespace {

using enum Parameter;

Value negate(const Values& arguments) {
  return make_bool(!is_true(open_interface(arguments[0])));
}

Value print(const Values& arguments) {
  return make_text(print_values(arguments));
}

Value print_with_format(const Values& arguments) {
  return make_text(print_formatted(arguments[0].text(), {arguments.begin() + 1, arguments.end()}));
}

Value print_with_line_end(const Values& arguments) {
  return make_text(print_line(arguments));
}

/// No value of ours is a function.
Value call_value(const Values& arguments) {
  const Value function = open_interface(arguments[0]);
  if (!function.exists()) throw base::make_error(base::ErrorKind::invalid_argument, "call of nil");
  throw base::make_error(base::ErrorKind::invalid_argument, "non-function of type ", function.type->name);
}

constexpr Function functions[] = {
    {"and", {value, none, none}, true, nullptr},
    {"or", {value, none, none}, true, nullptr},
    {"not", {value, none, none}, false, negate},
    {"eq", {value, value, none}, true, compare_equal},
    {"ne", {value, value, none}, false, compare_unequal},
    {"lt", {value, value, none}, false, compare_less},
    {"le", {value, value, none}, false, compare_less_or_equal},
    {"gt", {value, value, none}, false, compare_greater},
    {"ge", {value, value, none}, false, compare_greater_or_equal},
    {"index", {value, value, none}, true, index_of},
    {"slice", {value, value, none}, true, slice_of},
    {"len", {value, none, none}, false, count_of},
    {"print", {any, none, none}, true, print},
    {"printf", {text, any, none}, true, print_with_format},
    {"println", {any, none, none}, true, print_with_line_end},
    {"html", {any, none, none}, true, escape_html},
    {"js", {any, none, none}, true, escape_javascript},
    {"urlquery", {any, none, none}, true, escape_query},
    {"call", {value, value, none}, true, call_value},
    {"json", {any, none, none}, false, as_json},
    {"join", {texts, text, none}, false, join_texts},
    {"split", {text, text, none}, false, split_text},
    {"lower", {text, none, none}, false, lower_case},
    {"upper", {text, none, none}, false, upper_case},
    {"title", {text, none, none}, false, title_case},
    {"pad", {text, integer, integer}, false, pad_text},
    {"truncate", {text, integer, none}, false, truncate_text},
};

}  // namespace

std::string_view name_of(Parameter parameter) {
  switch (parameter) {
    case text:
      return "string";
    case integer:
      return "int";
    case texts:
      return "[]string";
    case any:
      return "interface {}";
    default:
      return "reflect.Value";
  }
}

std::size_t Function::count() const {
  std::size_t count = 0;
  while (count < parameters.size() && parameters[count] != none) ++count;
  return count;
}

const Function* find_function(std::string_view name) {
  for (const Function& function : functions)
    if (function.name == name) return &function;
  return nullptr;
}

}  // namespace engine::templates
