#include "base/error.hpp"
#include "base/text.hpp"
#include "engine/templates/encode_json.hpp"
#include "engine/templates/functions.hpp"
#include "engine/templates/print.hpp"
#include "engine/templates/quoting.hpp"

namespace engine::templates {
namespace {

constexpr std::size_t most_padding = 1'000'000;

base::Error bad(std::string_view what) {
  return base::make_error(base::ErrorKind::invalid_argument, what);
}

/// What html, js and urlquery escape: the text itself, or what print would say.
std::string all_as_text(const Values& arguments) {
  Values values;
  for (const Value& argument : arguments) {
    const Value value = open_interface(argument);
    values.push_back(!value.exists() ? make_text("<no value>") : value.kind() == Kind::pointer ? follow(value) : value);
  }
  return print_values(values);
}

std::string hex(char32_t code, std::size_t width) {
  std::string digits(width, '0');
  for (std::size_t at = width; at > 0; --at, code >>= 4U) digits[at - 1] = "0123456789ABCDEF"[code & 15U];
  return digits;
}

// Latin, Greek and Cyrillic; other scripts with two cases are left as they are.
bool is_upper(char32_t code) {
  return (code >= 'A' && code <= 'Z') || (code >= 0xc0 && code <= 0xde && code != 0xd7) ||
         (code >= 0x391 && code <= 0x3a9) || (code >= 0x400 && code <= 0x42f);
}
bool is_lower(char32_t code) {
  return (code >= 'a' && code <= 'z') || (code >= 0xe0 && code <= 0xfe && code != 0xf7) ||
         (code >= 0x3b1 && code <= 0x3c9 && code != 0x3c2) || (code >= 0x430 && code <= 0x45f);
}
char32_t to_lower(char32_t code) {
  if (!is_upper(code)) return code;
  return code + (code >= 0x400 && code < 0x410 ? 80 : 32);
}
char32_t to_upper(char32_t code) {
  if (!is_lower(code)) return code;
  return code - (code >= 0x450 ? 80 : 32);
}

/// What ends a word for Go's strings.Title: "don't" has two.
bool is_separator(char32_t code) {
  if (code < 0x80) return !is_word_character(code);
  return code == 0x85 || code == 0xa0 || (code >= 0x2000 && code <= 0x200a) || code == 0x3000;
}

template <class Change>
Value change_characters(std::string_view text, const Change& change) {
  std::string out;
  for (char32_t before = ' '; !text.empty();) {
    const Character character = first_character(text);
    append_character(out, change(character.code, before));
    before = character.code;
    text.remove_prefix(character.bytes);
  }
  return make_text(out);
}

}  // namespace

Value as_json(const Values& arguments) {
  return make_text(encode_json(arguments[0]));
}

Value escape_html(const Values& arguments) {
  std::string out;
  for (const char byte : all_as_text(arguments)) {
    switch (byte) {
      case 0:
        out += "\xef\xbf\xbd";
        break;
      case '"':
        out += "&#34;";
        break;
      case '\'':
        out += "&#39;";
        break;
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      default:
        out += byte;
    }
  }
  return make_text(out);
}

Value escape_javascript(const Values& arguments) {
  const std::string all = all_as_text(arguments);
  std::string out;
  for (std::string_view rest = all; !rest.empty();) {
    const Character character = first_character(rest);
    const char32_t code = character.code;
    if (code == '\\' || code == '\'' || code == '"') {
      out += '\\';
      out += static_cast<char>(code);
    } else if (code == '<' || code == '>' || code == '&' || code == '=' || code < ' ') {
      out += "\\u00" + hex(code, 2);
    } else if (code < 0x80 || is_printable(code)) {
      out += rest.substr(0, character.bytes);
    } else {
      out += "\\u" + hex(code, code > 0xffff ? 5 : 4);
    }
    rest.remove_prefix(character.bytes);
  }
  return make_text(out);
}

Value escape_query(const Values& arguments) {
  std::string out;
  for (const char byte : all_as_text(arguments)) {
    const auto code = static_cast<unsigned char>(byte);
    const bool plain = code < 0x80 && (is_word_character(code) || byte == '-' || byte == '.' || byte == '~');
    if (plain) {
      out += byte;
    } else if (byte == ' ') {
      out += '+';
    } else {
      out += "%" + hex(code, 2);
    }
  }
  return make_text(out);
}

Value join_texts(const Values& arguments) {
  std::string out;
  bool first = true;
  for (const Value& element : arguments[0].elements()) {
    if (!first) out += arguments[1].text();
    first = false;
    out += element.text();
  }
  return make_text(out);
}

Value split_text(const Values& arguments) {
  std::string_view rest = arguments[0].text();
  const std::string& separator = arguments[1].text();
  Values parts;
  if (separator.empty()) {
    while (!rest.empty()) {
      const std::size_t bytes = first_character(rest).bytes;
      parts.push_back(make_text(std::string{rest.substr(0, bytes)}));
      rest.remove_prefix(bytes);
    }
    return make_list(string_list_type(), std::move(parts));
  }
  while (true) {
    const std::size_t end = rest.find(separator);
    parts.push_back(make_text(std::string{rest.substr(0, end)}));
    if (end == std::string_view::npos) return make_list(string_list_type(), std::move(parts));
    rest.remove_prefix(end + separator.size());
  }
}

Value lower_case(const Values& arguments) {
  return change_characters(arguments[0].text(), [](char32_t code, char32_t) { return to_lower(code); });
}

Value upper_case(const Values& arguments) {
  return change_characters(arguments[0].text(), [](char32_t code, char32_t) { return to_upper(code); });
}

Value title_case(const Values& arguments) {
  return change_characters(arguments[0].text(),
                           [](char32_t code, char32_t before) { return is_separator(before) ? to_upper(code) : code; });
}

Value pad_text(const Values& arguments) {
  const std::string& text = arguments[0].text();
  if (text.empty()) return arguments[0];
  const std::int64_t before = arguments[1].integer(), after = arguments[2].integer();
  if (before < 0 || after < 0) throw bad("strings: negative Repeat count");
  if (before > static_cast<std::int64_t>(most_padding) || after > static_cast<std::int64_t>(most_padding))
    throw bad(base::concat("more than ", most_padding, " blanks"));
  return make_text(std::string(static_cast<std::size_t>(before), ' ') + text +
                   std::string(static_cast<std::size_t>(after), ' '));
}

Value truncate_text(const Values& arguments) {
  const std::string& text = arguments[0].text();
  const std::int64_t most = arguments[1].integer();
  if (static_cast<std::int64_t>(text.size()) < most) return arguments[0];
  if (most < 0) throw bad(base::concat("runtime error: slice bounds out of range [:", most, "]"));
  return make_text(text.substr(0, static_cast<std::size_t>(most)));
}

}  // namespace engine::templates
