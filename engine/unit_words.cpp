#include "engine/unit_words.hpp"

#include <algorithm>
#include <cstdint>
#include <optional>

#include "base/error.hpp"
#include "base/text.hpp"

namespace engine {
namespace {

using base::ErrorKind;
using base::make_error;

constexpr std::string_view blanks = " \t\n\r";

bool is_blank(char byte) {
  return blanks.find(byte) != std::string_view::npos;
}

std::optional<char> simple_escape(char letter) {
  constexpr std::string_view letters = "abfnrtvs\\\"'";
  constexpr std::string_view meanings = "\a\b\f\n\r\t\v \\\"'";
  const std::size_t at = letters.find(letter);
  if (at == std::string_view::npos) return std::nullopt;
  return meanings[at];
}

void append_utf8(std::string& out, std::uint32_t point) {
  const auto tail = [&](unsigned shift) { out += static_cast<char>(0x80 | ((point >> shift) & 0x3f)); };
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xc0 | (point >> 6));
    tail(0);
  } else if (point < 0x10000) {
    out += static_cast<char>(0xe0 | (point >> 12));
    tail(6), tail(0);
  } else {
    out += static_cast<char>(0xf0 | (point >> 18));
    tail(12), tail(6), tail(0);
  }
}

/// So many digits of `base_of` at the beginning of `text`, as a number that is not zero.
std::optional<std::uint32_t> read_digits(std::string_view text, std::size_t count, int base_of) {
  if (text.size() < count) return std::nullopt;
  std::uint32_t number = 0;
  const auto read = std::from_chars(text.data(), text.data() + count, number, base_of);
  if (read.ec != std::errc{} || read.ptr != text.data() + count || number == 0) return std::nullopt;
  return number;
}

/// What follows a backslash. Returns how many bytes of `rest` it took; 0: nothing that systemd knows.
std::size_t read_escape(std::string_view rest, std::string& out) {
  if (rest.empty()) return 0;
  if (const auto meaning = simple_escape(rest[0])) {
    out += *meaning;
    return 1;
  }
  const auto byte = [&](std::string_view digits, std::size_t count, int base_of) -> std::size_t {
    const auto number = read_digits(digits, count, base_of);
    if (!number || *number > 0xff) return 0;
    out += static_cast<char>(*number);
    return count;
  };
  const auto point = [&](std::size_t count) -> std::size_t {
    const auto number = read_digits(rest.substr(1), count, 16);
    if (!number || *number > 0x10ffff || (*number >= 0xd800 && *number < 0xe000)) return 0;
    append_utf8(out, *number);
    return count;
  };
  std::size_t digits = 0;
  if (rest[0] == 'x') digits = byte(rest.substr(1), 2, 16);
  if (rest[0] == 'u') digits = point(4);
  if (rest[0] == 'U') digits = point(8);
  if (digits > 0) return digits + 1;
  return byte(rest, 3, 8);
}

/// One word at the beginning of `rest`, which is not blank; takes it off.
std::string take_word(std::string_view& rest, UnknownEscape unknown) {
  std::string word;
  char quote = 0;
  std::size_t at = 0;
  for (; at < rest.size() && (quote != 0 || !is_blank(rest[at])); ++at) {
    const char byte = rest[at];
    if (byte == '\\') {
      const std::size_t taken = read_escape(rest.substr(at + 1), word);
      if (taken == 0 && unknown == UnknownEscape::refused)
        throw make_error(ErrorKind::invalid_argument, "unknown escape ", base::quoted(rest.substr(at, 2)));
      if (taken == 0) word += byte;
      at += taken;
    } else if (quote != 0 ? byte == quote : byte == '"' || byte == '\'') {
      quote = quote != 0 ? '\0' : byte;
    } else {
      word += byte;
    }
  }
  if (quote != 0) throw make_error(ErrorKind::invalid_argument, "a quote without its end: ", base::quoted(rest));
  rest.remove_prefix(at);
  return word;
}

std::string escaped_byte(char byte) {
  constexpr std::string_view bytes = "\a\b\f\n\r\t\v\\\"";
  constexpr std::string_view letters = "abfnrtv\\\"";
  if (const std::size_t at = bytes.find(byte); at != std::string_view::npos) return {'\\', letters[at]};
  if (static_cast<unsigned char>(byte) >= 0x20 && byte != 0x7f) return {byte};
  return base::concat("\\x", base::to_hex(&byte, 1));
}

bool needs_quotes(std::string_view word) {
  if (word.empty() || word == ";") return true;
  return std::any_of(word.begin(), word.end(), [](char byte) {
    return static_cast<unsigned char>(byte) <= 0x20 || byte == 0x7f || byte == '"' || byte == '\'' || byte == '\\';
  });
}

}  // namespace

std::vector<std::string> split_unit_words(std::string_view value, UnknownEscape unknown) {
  std::vector<std::string> words;
  while (true) {
    const std::size_t start = value.find_first_not_of(blanks);
    if (start == std::string_view::npos) return words;
    value.remove_prefix(start);
    words.push_back(take_word(value, unknown));
  }
}

std::string quote_unit_word(std::string_view word) {
  if (!needs_quotes(word)) return std::string{word};
  std::string out = "\"";
  for (const char byte : word) out += escaped_byte(byte);
  return out + '"';
}

std::string join_unit_words(const std::vector<std::string>& words) {
  std::vector<std::string> quoted_words;
  for (const std::string& word : words) quoted_words.push_back(quote_unit_word(word));
  return base::join(quoted_words, " ");
}

std::string escape_specifiers(std::string_view word) {
  std::string out;
  for (const char byte : word) out.append(byte == '%' || byte == '$' ? 2 : 1, byte);
  return out;
}

UnitBoolean parse_unit_boolean(std::string_view text) {
  const std::string word = base::to_lower(text);
  const auto is_one_of = [&](std::initializer_list<std::string_view> words) {
    return std::find(words.begin(), words.end(), word) != words.end();
  };
  if (is_one_of({"1", "yes", "y", "true", "t", "on"})) return UnitBoolean::yes;
  if (is_one_of({"0", "no", "n", "false", "f", "off"})) return UnitBoolean::no;
  return UnitBoolean::neither;
}

}  // namespace engine
