#include "engine/templates/print_flags.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "base/text.hpp"
#include "engine/templates/quoting.hpp"

namespace engine::templates {
namespace {

std::string digits_of(std::uint64_t number, int radix, bool upper) {
  std::array<char, 65> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number, radix).ptr;
  std::string text(digits.data(), end);
  if (upper)
    for (char& digit : text)
      if (digit >= 'a') digit = static_cast<char>(digit - 32);
  return text;
}

std::size_t positive(const std::optional<int>& number) {
  return number && *number > 0 ? static_cast<std::size_t>(*number) : 0;
}

/// `text`, cut after so many characters.
std::string_view cut(const PrintFlags& flags, std::string_view text) {
  if (!flags.precision) return text;
  std::string_view rest = text;
  for (int left = *flags.precision; left > 0 && !rest.empty(); --left) rest.remove_prefix(first_character(rest).bytes);
  return text.substr(0, text.size() - rest.size());
}

}  // namespace

void append_padded(std::string& out, const PrintFlags& flags, std::string_view text) {
  const std::size_t width = positive(flags.width);
  const std::size_t shown = count_characters(text);
  const std::size_t missing = width > shown ? width - shown : 0;
  if (!flags.minus) out.append(missing, flags.zero ? '0' : ' ');
  out += text;
  if (flags.minus) out.append(missing, ' ');
}

void append_integer(std::string& out, PrintFlags flags, std::uint64_t magnitude, bool negative, char verb) {
  const int radix = verb == 'b' ? 2 : verb == 'o' || verb == 'O' ? 8 : verb == 'x' || verb == 'X' ? 16 : 10;
  const std::string sign = negative ? "-" : flags.plus ? "+" : flags.space ? " " : "";
  std::size_t least = 0;
  if (flags.precision) {
    least = positive(flags.precision);
    if (least == 0 && magnitude == 0) {
      flags.zero = false;
      return append_padded(out, flags, "");
    }
  } else if (flags.zero && flags.width && !flags.minus) {
    least = positive(flags.width) > sign.size() ? positive(flags.width) - sign.size() : 0;
  }
  std::string digits = digits_of(magnitude, radix, verb == 'X');
  if (digits.size() < least) digits.insert(0, least - digits.size(), '0');
  if (flags.sharp && verb == 'b') digits.insert(0, "0b");
  if (flags.sharp && verb == 'o' && digits.front() != '0') digits.insert(0, "0");
  if (flags.sharp && (verb == 'x' || verb == 'X')) digits.insert(0, verb == 'x' ? "0x" : "0X");
  if (verb == 'O') digits.insert(0, "0o");
  flags.zero = false;
  append_padded(out, flags, sign + digits);
}

std::string shortest_floating(double number, int first_large) {
  if (std::isnan(number)) return "NaN";
  if (std::isinf(number)) return number < 0 ? "-Inf" : "+Inf";
  std::array<char, 64> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::scientific).ptr;
  const std::string scientific(text.data(), end);
  const auto exponent = base::parse_signed(
      scientific.substr(scientific.find('e') + (scientific.find("e+") == std::string::npos ? 1 : 2)));
  if (exponent && (*exponent < -4 || *exponent >= first_large)) return scientific;
  const auto fixed = std::to_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed).ptr;
  return {text.data(), fixed};
}

void append_floating(std::string& out, const PrintFlags& flags, double number, char verb) {
  std::string text;
  if (std::isnan(number) || std::isinf(number)) {
    text = std::isnan(number) ? "NaN" : number < 0 ? "-Inf" : "+Inf";
    PrintFlags plain = flags;
    plain.zero = false;
    return append_padded(out, plain, text);
  }
  const bool shortest = !flags.precision && (verb == 'v' || verb == 'g' || verb == 'G');
  if (shortest) {
    text = shortest_floating(number);
    if (verb == 'G') std::replace(text.begin(), text.end(), 'e', 'E');
  } else {
    const std::array<char, 5> format = {'%', '.', '*', verb == 'v' ? 'g' : verb, 0};
    const int precision = flags.precision.value_or(6);
    std::array<char, 512> room{};
    const int size = std::snprintf(room.data(), room.size(), format.data(), precision > 100 ? 100 : precision, number);
    text.assign(room.data(), static_cast<std::size_t>(size));
  }
  std::string sign = text.front() == '-' ? "-" : flags.plus ? "+" : flags.space ? " " : "";
  if (text.front() == '-') text.erase(0, 1);
  const std::size_t width = positive(flags.width);
  if (flags.zero && !flags.minus && width > sign.size() + text.size())
    text.insert(0, width - sign.size() - text.size(), '0');
  PrintFlags plain = flags;
  plain.zero = false;
  append_padded(out, plain, sign + text);
}

void append_text(std::string& out, const PrintFlags& flags, std::string_view text) {
  append_padded(out, flags, cut(flags, text));
}

void append_quoted(std::string& out, const PrintFlags& flags, std::string_view text) {
  text = cut(flags, text);
  const bool can_be_raw =
      text.find('`') == std::string_view::npos &&
      quote(text).size() == text.size() + 2 +
                                static_cast<std::size_t>(std::count(text.begin(), text.end(), '"') +
                                                         std::count(text.begin(), text.end(), '\\'));
  if (flags.sharp && can_be_raw) return append_padded(out, flags, base::concat('`', text, '`'));
  append_padded(out, flags, quote(text, flags.plus));
}

void append_hex(std::string& out, const PrintFlags& flags, std::string_view bytes, bool upper) {
  if (flags.precision) bytes = bytes.substr(0, positive(flags.precision));
  std::string text;
  for (const char byte : bytes) {
    const unsigned code = static_cast<unsigned char>(byte);
    const bool first = text.empty();
    if (flags.space && !first) text += ' ';
    if (flags.sharp && (first || flags.space)) text += upper ? "0X" : "0x";
    text += digits_of(code + 0x100, 16, upper).substr(1);
  }
  append_padded(out, flags, text);
}

void append_code_point(std::string& out, const PrintFlags& flags, std::uint64_t code) {
  std::string digits = digits_of(code, 16, true);
  const std::size_t least = flags.precision && *flags.precision > 4 ? positive(flags.precision) : 4;
  if (digits.size() < least) digits.insert(0, least - digits.size(), '0');
  std::string text = "U+" + digits;
  if (flags.sharp && code <= 0x10ffff && is_printable(static_cast<char32_t>(code))) {
    text += " '";
    append_character(text, static_cast<char32_t>(code));
    text += '\'';
  }
  PrintFlags plain = flags;
  plain.zero = false;
  append_padded(out, plain, text);
}

}  // namespace engine::templates
