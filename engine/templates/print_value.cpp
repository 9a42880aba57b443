#include "engine/templates/print_value.hpp"

#include "base/text.hpp"
#include "engine/templates/moment.hpp"

namespace engine::templates {
namespace {

constexpr std::uint64_t most_code = 0x10ffff;

std::uint64_t magnitude_of(const Value& value) {
  if (value.kind() == Kind::unsigned_integer) return value.unsigned_integer();
  const auto number = static_cast<std::uint64_t>(value.integer());
  return value.integer() < 0 ? ~number + 1 : number;
}

bool is_one_of(char32_t verb, std::string_view verbs) {
  return verb < 0x80 && verbs.find(static_cast<char>(verb)) != std::string_view::npos;
}

}  // namespace

void ValuePrinter::print(const Value& value, char32_t verb) {
  if (verb == 'v') {
    flags_.as_source = std::exchange(flags_.sharp, false);
    flags_.with_names = std::exchange(flags_.plus, false);
  }
  const Value inner = open_interface(value);
  if (verb == 'T' || (!inner.exists() && verb == 'v')) {
    append_padded(out_, flags_, inner.exists() ? std::string_view{inner.type->name} : "<nil>");
  } else if (!inner.exists()) {
    print_bad_verb(inner, verb);
  } else {
    print_at(inner, verb, 0);
  }
}

void ValuePrinter::print_bad_verb(const Value& value, char32_t verb) {
  out_ += "%!";
  append_character(out_, verb);
  out_ += '(';
  if (!value.exists()) {
    out_ += "<nil>";
  } else {
    out_ += value.type->name + "=";
    is_bad_ = true;  // as Go: methods are not asked any more
    print_at(value, 'v', 0);
    is_bad_ = false;
  }
  out_ += ')';
}

bool ValuePrinter::print_by_method(const Value& value, char32_t verb) {
  if (value.type->look == Look::plain || is_bad_ || flags_.as_source || !is_one_of(verb, "vsxXq")) return false;
  print_text(value, value.type->look == Look::time ? moment_text(value.moment()) : duration_text(value.integer()),
             verb);
  return true;
}

void ValuePrinter::print_at(const Value& value, char32_t verb, unsigned depth) {
  if (!value.exists() || print_by_method(value, verb)) return;
  switch (value.kind()) {
    case Kind::boolean:
      return print_boolean(value, verb);
    case Kind::integer:
    case Kind::unsigned_integer:
      return print_integer(value, verb);
    case Kind::floating:
      return print_floating(value, verb);
    case Kind::string:
      return print_string(value, verb);
    case Kind::list:
      return print_list(value, verb, depth);
    case Kind::map:
      return print_map(value, verb, depth);
    case Kind::structure:
      return print_structure(value, verb, depth);
    case Kind::pointer:
      return print_pointer(value, verb, depth);
    case Kind::interface:
      if (!value.is_nil()) return print_at(value.target(), verb, depth + 1);
      out_ += flags_.as_source ? value.type->name + "(nil)" : "<nil>";
      return;
    case Kind::nothing:
      return;
  }
}

void ValuePrinter::print_boolean(const Value& value, char32_t verb) {
  if (verb != 't' && verb != 'v') return print_bad_verb(value, verb);
  append_padded(out_, flags_, value.boolean() ? "true" : "false");
}

void ValuePrinter::print_integer(const Value& value, char32_t verb) {
  const std::uint64_t magnitude = magnitude_of(value);
  const bool negative = value.kind() == Kind::integer && value.integer() < 0;
  const char32_t code = negative || magnitude > most_code ? 0xfffd : static_cast<char32_t>(magnitude);
  if (verb == 'v' && flags_.as_source && value.kind() == Kind::unsigned_integer) {
    PrintFlags with_base = flags_;
    with_base.sharp = true;
    append_integer(out_, with_base, magnitude, false, 'x');
  } else if (is_one_of(verb, "vdboOxX")) {
    append_integer(out_, flags_, magnitude, negative, verb == 'v' ? 'd' : static_cast<char>(verb));
  } else if (verb == 'c') {
    std::string character;
    append_character(character, code);
    append_padded(out_, flags_, character);
  } else if (verb == 'q') {
    append_padded(out_, flags_, quote_character(code, flags_.plus));
  } else if (verb == 'U') {
    append_code_point(out_, flags_, negative ? static_cast<std::uint64_t>(value.integer()) : magnitude);
  } else {
    print_bad_verb(value, verb);
  }
}

void ValuePrinter::print_floating(const Value& value, char32_t verb) {
  if (!is_one_of(verb, "veEfFgG")) return print_bad_verb(value, verb);
  append_floating(out_, flags_, value.floating(), verb == 'F' ? 'f' : static_cast<char>(verb));
}

void ValuePrinter::print_string(const Value& value, char32_t verb) {
  print_text(value, value.text(), verb);
}

void ValuePrinter::print_text(const Value& value, const std::string& text, char32_t verb) {
  if (verb == 'q' || (verb == 'v' && flags_.as_source)) {
    append_quoted(out_, flags_, text);
  } else if (verb == 's' || verb == 'v') {
    append_text(out_, flags_, text);
  } else if (verb == 'x' || verb == 'X') {
    append_hex(out_, flags_, text, verb == 'X');
  } else {
    print_bad_verb(value, verb);
  }
}

void ValuePrinter::print_list(const Value& value, char32_t verb, unsigned depth) {
  if (flags_.as_source) {
    out_ += value.type->name;
    if (value.is_nil()) {
      out_ += "(nil)";
      return;
    }
  }
  out_ += flags_.as_source ? '{' : '[';
  bool first = true;
  for (const Value& element : value.elements()) {
    if (!std::exchange(first, false)) out_ += flags_.as_source ? ", " : " ";
    print_at(element, verb, depth + 1);
  }
  out_ += flags_.as_source ? '}' : ']';
}

void ValuePrinter::print_map(const Value& value, char32_t verb, unsigned depth) {
  out_ += flags_.as_source ? value.type->name : "map";
  if (flags_.as_source && value.is_nil()) {
    out_ += "(nil)";
    return;
  }
  out_ += flags_.as_source ? '{' : '[';
  bool first = true;
  for (const auto& [key, entry] : value.entries()) {
    if (!std::exchange(first, false)) out_ += flags_.as_source ? ", " : " ";
    print_at(key, verb, depth + 1);
    out_ += ':';
    print_at(entry, verb, depth + 1);
  }
  out_ += flags_.as_source ? '}' : ']';
}

void ValuePrinter::print_structure(const Value& value, char32_t verb, unsigned depth) {
  if (flags_.as_source) out_ += value.type->name;
  out_ += '{';
  const Values& fields = value.elements();
  bool first = true;
  for (std::size_t at = 0; at < fields.size(); ++at) {
    if (value.type->fields[at].method) continue;
    if (!std::exchange(first, false)) out_ += flags_.as_source ? ", " : " ";
    if (flags_.with_names || flags_.as_source) out_ += value.type->fields[at].name + ":";
    const Value& field = fields[at];
    print_at(field.kind() == Kind::interface && !field.is_nil() ? field.target() : field, verb, depth + 1);
  }
  out_ += '}';
}

void ValuePrinter::print_pointer(const Value& value, char32_t verb, unsigned depth) {
  if (!value.is_nil() && depth == 0) {
    const Kind kind = value.target().kind();
    if (kind == Kind::list || kind == Kind::structure || kind == Kind::map) {
      out_ += '&';
      return print_at(value.target(), verb, depth + 1);
    }
  }
  if (!is_one_of(verb, "vpbodxX")) return print_bad_verb(value, verb);
  if (value.is_nil() && verb != 'v' && verb != 'p') {
    return append_integer(out_, flags_, 0, false, static_cast<char>(verb));
  }
  // An address says nothing; one and the same for all keeps the output the same from run to run.
  constexpr std::string_view address = "0xc000000000";
  const std::string_view shown = value.is_nil() ? std::string_view{flags_.as_source ? "nil" : "<nil>"} : address;
  append_padded(out_, flags_,
                flags_.as_source ? base::concat('(', value.type->name, ")(", shown, ')') : std::string{shown});
}

}  // namespace engine::templates
