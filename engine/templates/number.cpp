#include "engine/templates/number.hpp"

#include <charconv>
#include <cmath>
#include <limits>

#include "base/error.hpp"
#include "base/text.hpp"
#include "engine/templates/quoting.hpp"

namespace engine::templates {
namespace {

/// Go's rule: underscores only between digits, or behind the mark of a base.
bool underscores_are_good(std::string_view digits, bool has_prefix) {
  char before = has_prefix ? '0' : '^';
  for (const char letter : digits) {
    if (letter == '_' && (before == '_' || before == '^')) return false;
    before = letter;
  }
  return before != '_';
}

struct Magnitude {
  std::uint64_t value;
  bool negative;
};

std::optional<Magnitude> parse_magnitude(std::string_view text) {
  const bool negative = !text.empty() && text.front() == '-';
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
  int radix = 10;
  bool has_prefix = false;
  if (text.size() > 1 && text.front() == '0') {
    const char mark = static_cast<char>(text[1] | 0x20);
    radix = mark == 'x' ? 16 : mark == 'b' ? 2 : 8;
    has_prefix = true;
    text.remove_prefix(mark == 'x' || mark == 'b' || mark == 'o' ? 2 : 1);
  }
  if (!underscores_are_good(text, has_prefix)) return std::nullopt;
  std::string digits;
  for (const char letter : text)
    if (letter != '_') digits += letter;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, radix);
  if (error != std::errc{} || end != digits.data() + digits.size() || digits.empty()) return std::nullopt;
  return Magnitude{value, negative};
}

std::optional<double> parse_floating(std::string_view text) {
  if (text.find('_') != std::string_view::npos) return std::nullopt;
  const bool negative = !text.empty() && text.front() == '-';
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) text.remove_prefix(1);
  const bool is_hex = text.starts_with("0x") || text.starts_with("0X");
  if (is_hex) text.remove_prefix(2);
  if (is_hex && text.find_first_of("pP") == std::string_view::npos) return std::nullopt;
  double value = 0;
  const auto format = is_hex ? std::chars_format::hex : std::chars_format::general;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, format);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return negative ? -value : value;
}

}  // namespace

Number parse_number(std::string_view text) {
  const auto fail = [](const char* what, std::string_view which) {
    return base::make_error(base::ErrorKind::invalid_argument, what, ": ", quote(which));
  };
  if (text.ends_with('i')) throw fail("complex numbers are not supported", text);
  Number number;
  constexpr std::uint64_t most = std::numeric_limits<std::int64_t>::max();
  if (const auto magnitude = parse_magnitude(text)) {
    const bool has_sign = text.front() == '+' || text.front() == '-';
    if (!has_sign || magnitude->value == 0) number.unsigned_integer = magnitude->value;
    if (magnitude->value <= most) {
      number.integer = magnitude->negative ? -static_cast<std::int64_t>(magnitude->value)
                                           : static_cast<std::int64_t>(magnitude->value);
    } else if (magnitude->negative && magnitude->value == most + 1) {
      number.integer = std::numeric_limits<std::int64_t>::min();
    }
    if (number.integer) {
      number.floating = static_cast<double>(*number.integer);
    } else if (number.unsigned_integer) {
      number.floating = static_cast<double>(*number.unsigned_integer);
    }
  }
  if (number.floating) return number;
  number.floating = parse_floating(text);
  if (!number.floating) throw fail("illegal number syntax", text);
  if (text.find_first_of(".eEpP") == std::string_view::npos) throw fail("integer overflow", text);
  const double value = *number.floating;
  if (std::trunc(value) < value || std::trunc(value) > value) return number;
  if (value >= -9.2e18 && value <= 9.2e18) number.integer = static_cast<std::int64_t>(value);
  if (value >= 0 && value <= 1.8e19) number.unsigned_integer = static_cast<std::uint64_t>(value);
  return number;
}

}  // namespace engine::templates
