#include "engine/templates/quoting.hpp"

#include <array>
#include <utility>

#include "base/error.hpp"
#include "base/text.hpp"

namespace engine::templates {
namespace {

constexpr char32_t replacement = 0xfffd;
constexpr char32_t last_code = 0x10ffff;

bool is_surrogate(char32_t code) {
  return code >= 0xd800 && code < 0xe000;
}

std::string hex(std::uint32_t number, std::size_t width, bool upper = false) {
  constexpr std::string_view low = "0123456789abcdef";
  constexpr std::string_view high = "0123456789ABCDEF";
  std::string digits(width, '0');
  for (std::size_t at = width; at > 0; --at, number >>= 4U) digits[at - 1] = (upper ? high : low)[number & 15U];
  return digits;
}

constexpr std::array<std::pair<char, char>, 8> short_escapes = {
    {{'a', '\a'}, {'b', '\b'}, {'f', '\f'}, {'n', '\n'}, {'r', '\r'}, {'t', '\t'}, {'v', '\v'}, {'\\', '\\'}}};

void append_escaped(std::string& out, char32_t code, char mark, bool ascii_only) {
  if (code == static_cast<char32_t>(mark) || code == '\\') {
    out += '\\';
    out += static_cast<char>(code);
    return;
  }
  if (is_printable(code) && (code < 0x80 || !ascii_only)) return append_character(out, code);
  for (const auto& [letter, meaning] : short_escapes)
    if (code == static_cast<char32_t>(meaning)) {
      out += '\\';
      out += letter;
      return;
    }
  if (code < ' ' || code == 0x7f) {
    out += "\\x" + hex(code, 2);
  } else if (code < 0x10000) {
    out += "\\u" + hex(code, 4);
  } else {
    out += "\\U" + hex(code, 8);
  }
}

/// Numbers of so many digits of base 8 or 16, taken off the front of `text`.
std::optional<char32_t> take_number(std::string_view& text, std::size_t digits, unsigned base) {
  if (text.size() < digits) return std::nullopt;
  char32_t number = 0;
  for (const char digit : text.substr(0, digits)) {
    const unsigned value = digit >= '0' && digit <= '9'   ? static_cast<unsigned>(digit - '0')
                           : digit >= 'a' && digit <= 'f' ? static_cast<unsigned>(digit - 'a') + 10
                           : digit >= 'A' && digit <= 'F' ? static_cast<unsigned>(digit - 'A') + 10
                                                          : 99;
    if (value >= base) return std::nullopt;
    number = number * base + value;
  }
  text.remove_prefix(digits);
  return number;
}

struct Unescaped {
  char32_t code;
  bool is_byte;  ///< \x and octal escapes are bytes, not characters.
};

/// One character or escape, taken off the front of `text`, which is not empty.
std::optional<Unescaped> take_escaped(std::string_view& text, char mark) {
  if (text.front() == mark || text.front() == '\n') return std::nullopt;
  if (text.front() != '\\') {
    const Character character = first_character(text);
    const bool is_byte = character.bytes == 1;
    const char32_t code = is_byte ? static_cast<unsigned char>(text.front()) : character.code;
    text.remove_prefix(character.bytes);
    return Unescaped{code, is_byte};
  }
  if (text.size() < 2) return std::nullopt;
  const char letter = text[1];
  text.remove_prefix(2);
  for (const auto& [short_letter, meaning] : short_escapes)
    if (letter == short_letter) return Unescaped{static_cast<char32_t>(meaning), false};
  if (letter == mark) return Unescaped{static_cast<char32_t>(mark), false};
  if (letter == 'x' || (letter >= '0' && letter <= '7')) {
    std::string_view digits{text.data() - (letter == 'x' ? 0 : 1), text.size() + (letter == 'x' ? 0 : 1)};
    const auto byte = letter == 'x' ? take_number(digits, 2, 16) : take_number(digits, 3, 8);
    if (!byte || *byte > 255) return std::nullopt;
    text = digits;
    return Unescaped{*byte, true};
  }
  if (letter != 'u' && letter != 'U') return std::nullopt;
  const auto code = take_number(text, letter == 'u' ? 4 : 8, 16);
  if (!code || *code > last_code || is_surrogate(*code)) return std::nullopt;
  return Unescaped{*code, false};
}

}  // namespace

Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t at) -> std::uint32_t { return static_cast<unsigned char>(text[at]); };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {replacement, 1};
  char32_t code = lead & (0xffU >> (bytes + 1));
  for (std::size_t at = 1; at < bytes; ++at) {
    if ((byte(at) & 0xc0U) != 0x80U) return {replacement, 1};
    code = code << 6U | (byte(at) & 0x3fU);
  }
  constexpr std::array<char32_t, 5> smallest = {0, 0, 0x80, 0x800, 0x10000};
  if (code < smallest[bytes] || code > last_code || is_surrogate(code)) return {replacement, 1};
  return {code, bytes};
}

void append_character(std::string& text, char32_t code) {
  if (code > last_code || is_surrogate(code)) code = replacement;
  if (code < 0x80) {
    text += static_cast<char>(code);
    return;
  }
  const std::size_t more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  constexpr std::array<unsigned, 4> marks = {0, 0xc0, 0xe0, 0xf0};
  text += static_cast<char>(marks[more] | code >> (6 * more));
  for (std::size_t left = more; left > 0; --left) text += static_cast<char>(0x80U | (code >> (6 * (left - 1)) & 0x3fU));
}

std::size_t count_characters(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) text.remove_prefix(first_character(text).bytes);
  return count;
}

bool is_word_character(char32_t code) {
  if (code < 0x80) {
    const char letter = static_cast<char>(code);
    return letter == '_' || (letter >= '0' && letter <= '9') || (letter >= 'a' && letter <= 'z') ||
           (letter >= 'A' && letter <= 'Z');
  }
  if (code < 0xc0) return code == 0xaa || code == 0xb5 || code == 0xba;
  if (code == 0xd7 || code == 0xf7 || code == replacement || (code >= 0x2000 && code < 0x2c00)) return false;
  return is_printable(code) && (code < 0x3000 || code > 0x3004);
}

bool is_printable(char32_t code) {
  if (code < 0xa1) return code >= ' ' && code < 0x7f;
  if (code == 0xad || is_surrogate(code) || code > last_code) return false;
  if (code >= 0x2000 && code < 0x2010) return false;  // spaces and marks of direction
  if (code >= 0x2028 && code < 0x2030) return false;
  if ((code >= 0x205f && code < 0x2070) || code == 0x1680 || code == 0x3000) return false;
  if ((code >= 0xe000 && code < 0xf900) || code >= 0xe0000) return false;  // private use and tags
  return code != 0xfeff && (code & 0xfffeU) != 0xfffeU;
}

std::string quote(std::string_view text, bool ascii_only) {
  std::string out = "\"";
  while (!text.empty()) {
    const Character character = first_character(text);
    if (character.bytes == 1 && character.code == replacement) {
      out += "\\x" + hex(static_cast<unsigned char>(text.front()), 2);
    } else {
      append_escaped(out, character.code, '"', ascii_only);
    }
    text.remove_prefix(character.bytes);
  }
  return out + '"';
}

std::string quote_character(char32_t code, bool ascii_only) {
  std::string out = "'";
  append_escaped(out, code > last_code || is_surrogate(code) ? replacement : code, '\'', ascii_only);
  return out + '\'';
}

std::string name_of_character(char32_t code) {
  std::string name = "U+" + hex(code, code < 0x10000 ? 4 : code < 0x100000 ? 5 : 6, true);
  if (is_printable(code)) {
    name += " '";
    append_character(name, code);
    name += '\'';
  }
  return name;
}

std::optional<std::string> unquote(std::string_view literal) {
  if (literal.size() < 2 || literal.front() != literal.back()) return std::nullopt;
  std::string_view text = literal.substr(1, literal.size() - 2);
  std::string out;
  if (literal.front() == '`') {
    for (const char byte : text)
      if (byte != '\r') out += byte;
    return out;
  }
  while (!text.empty()) {
    const auto one = take_escaped(text, '"');
    if (!one) return std::nullopt;
    if (one->is_byte) {
      out += static_cast<char>(one->code);
    } else {
      append_character(out, one->code);
    }
  }
  return out;
}

char32_t unquote_character(std::string_view literal) {
  std::string_view text = literal.substr(1, literal.size() - 2);
  const auto one = text.empty() ? std::nullopt : take_escaped(text, '\'');
  if (!one) throw base::make_error(base::ErrorKind::invalid_argument, "invalid syntax");
  if (!text.empty())
    throw base::make_error(base::ErrorKind::invalid_argument, "malformed character constant: ", literal);
  return one->code;
}

}  // namespace engine::templates
