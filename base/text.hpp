#pragma once

#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace base {

/// A name as shown to the user: in double quotes, control bytes and quotes escaped (`\n`, `\x1b`), at most 200 bytes.
struct Quoted {
  std::string_view text;
};
inline Quoted quoted(std::string_view text) {
  return Quoted{text};
}
// Spelt out for each type, so that std::quoted of <iomanip> is never the better match for a std:: argument.
inline Quoted quoted(const char* text) {
  return Quoted{text};
}
inline Quoted quoted(std::string& text) {
  return Quoted{text};
}
inline Quoted quoted(const std::string& text) {
  return Quoted{text};
}

inline void append_part(std::string& out, std::string_view part) {
  out.append(part);
}
inline void append_part(std::string& out, const char* part) {
  out.append(part);
}
inline void append_part(std::string& out, char part) {
  out.push_back(part);
}
void append_part(std::string& out, bool part) = delete;  // would silently become a control byte
void append_part(std::string& out, Quoted part);
template <std::integral Number>
requires(!std::same_as<Number, char> && !std::same_as<Number, bool>) void append_part(std::string& out, Number number) {
  char buffer[24];
  const auto result = std::to_chars(buffer, buffer + sizeof buffer, number);
  out.append(buffer, result.ptr);
}

/// Joins strings, characters, integers and quoted names into one string.
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::string out;
  (append_part(out, parts), ...);
  return out;
}

/// "a,b,,c" by ',' gives {"a","b","","c"}; an empty text gives one empty field. Views into `text`.
std::vector<std::string_view> split(std::string_view text, char separator);
/// At most two fields, cut at the first separator; nothing when there is none.
std::optional<std::pair<std::string_view, std::string_view>> split_once(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
/// Without leading and trailing blanks, tabs and line ends.
std::string_view trim(std::string_view text);
std::string to_lower(std::string_view text);

/// Only decimal digits, no sign, no blanks, no overflow; else nothing.
std::optional<std::uint64_t> parse_unsigned(std::string_view text);
/// As above with an optional leading '-'.
std::optional<std::int64_t> parse_signed(std::string_view text);

/// Lower-case hexadecimal.
std::string to_hex(const void* bytes, std::size_t size);
/// `count` random bytes of getrandom(2) as 2 * count hexadecimal digits.
std::string random_hex(std::size_t count);

/// docker/go-units HumanSize: base 1000, "%.4g": "4.27MB", "1.235GB", "0B".
std::string human_size(std::uint64_t bytes);
/// Parses "64m", "1g", "512k", "1.5GiB", "100b", "100": base 1024, as docker's RAMInBytes. Nothing when malformed.
std::optional<std::uint64_t> parse_size(std::string_view text);

/// UTF-8 with invalid bytes replaced by U+FFFD, so that any bytes can be put in JSON.
std::string sanitize_utf8(std::string_view bytes);

}  // namespace base
