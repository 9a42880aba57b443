#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <sys/random.h>

#include "base/error.hpp"

namespace base {
namespace {

constexpr std::size_t max_quoted_bytes = 200;
constexpr char hex_digits[] = "0123456789abcdef";

void append_escaped(std::string& out, unsigned char byte) {
  switch (byte) {
    case '"':
    case '\\':
      out.push_back('\\');
      out.push_back(static_cast<char>(byte));
      return;
    case '\n':
      out.append("\\n");
      return;
    case '\t':
      out.append("\\t");
      return;
    case '\r':
      out.append("\\r");
      return;
    default:
      break;
  }
  if (byte >= 0x20 && byte != 0x7f) {
    out.push_back(static_cast<char>(byte));
    return;
  }
  out.append("\\x");
  out.push_back(hex_digits[byte >> 4]);
  out.push_back(hex_digits[byte & 15]);
}

/// Length of the valid UTF-8 sequence at the start of `bytes`, or 0. Source: RFC 3629, section 4.
std::size_t utf8_length(std::string_view bytes) {
  const auto at = [&](std::size_t index) { return static_cast<unsigned char>(bytes[index]); };
  const unsigned char first = at(0);
  if (first < 0x80) return 1;
  std::size_t length = 0;
  unsigned char low = 0x80, high = 0xbf;  // bounds of the second byte: no overlong form, no surrogate, at most U+10FFFF
  if (first >= 0xc2 && first <= 0xdf) {
    length = 2;
  } else if (first >= 0xe0 && first <= 0xef) {
    length = 3;
    if (first == 0xe0) low = 0xa0;
    if (first == 0xed) high = 0x9f;
  } else if (first >= 0xf0 && first <= 0xf4) {
    length = 4;
    if (first == 0xf0) low = 0x90;
    if (first == 0xf4) high = 0x8f;
  }
  if (length == 0 || bytes.size() < length || at(1) < low || at(1) > high) return 0;
  for (std::size_t index = 2; index < length; ++index)
    if ((at(index) & 0xc0) != 0x80) return 0;
  return length;
}

/// The power of 1024 that a size suffix such as "", "b", "k", "MB" or "GiB" stands for, or nothing.
std::optional<int> size_suffix_power(std::string_view suffix) {
  constexpr std::string_view letters = "kmgtp";
  const std::string lower = to_lower(suffix);
  std::string_view rest = lower;
  int power = 0;
  if (!rest.empty() && letters.find(rest[0]) != std::string_view::npos) {
    power = static_cast<int>(letters.find(rest[0])) + 1;
    rest.remove_prefix(1);
  }
  if (rest.empty() || rest == "b" || (rest == "ib" && power > 0) || (rest == "i" && power > 0)) return power;
  return std::nullopt;
}

}  // namespace

void append_part(std::string& out, Quoted part) {
  std::string_view text = part.text;
  const bool cut = text.size() > max_quoted_bytes;
  if (cut) text = text.substr(0, max_quoted_bytes);
  out.push_back('"');
  for (std::size_t index = 0; index < text.size();) {
    const std::size_t length = utf8_length(text.substr(index));
    // U+0080 to U+009F: terminals take some of them for the beginning of a command, as ESC.
    const bool is_control = length == 2 && text[index] == '\xc2' && static_cast<unsigned char>(text[index + 1]) < 0xa0;
    if (length > 1 && !is_control) {
      out.append(text.substr(index, length));
      index += length;
    } else if (length != 1) {
      const auto byte = static_cast<unsigned char>(text[index++]);
      out.append({'\\', 'x', hex_digits[byte >> 4], hex_digits[byte & 15]});
    } else {
      append_escaped(out, static_cast<unsigned char>(text[index++]));
    }
  }
  out.append(cut ? "\"…" : "\"");
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> fields;
  for (;;) {
    const std::size_t end = text.find(separator);
    fields.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return fields;
    text.remove_prefix(end + 1);
  }
}

std::optional<std::pair<std::string_view, std::string_view>> split_once(std::string_view text, char separator) {
  const std::size_t end = text.find(separator);
  if (end == std::string_view::npos) return std::nullopt;
  return std::pair{text.substr(0, end), text.substr(end + 1)};
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string out;
  for (std::size_t index = 0; index < parts.size(); ++index) {
    if (index > 0) out.append(separator);
    out.append(parts[index]);
  }
  return out;
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(blanks);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

std::string to_lower(std::string_view text) {
  std::string out{text};
  for (char& byte : out)
    if (byte >= 'A' && byte <= 'Z') byte = static_cast<char>(byte - 'A' + 'a');
  return out;
}

std::optional<std::uint64_t> parse_unsigned(std::string_view text) {
  std::uint64_t number = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  if (text.empty() || result.ec != std::errc{} || result.ptr != end) return std::nullopt;
  return number;
}

std::optional<std::int64_t> parse_signed(std::string_view text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  if (text.empty() || result.ec != std::errc{} || result.ptr != end) return std::nullopt;
  return number;
}

std::string to_hex(const void* bytes, std::size_t size) {
  const auto* from = static_cast<const unsigned char*>(bytes);
  std::string out;
  out.reserve(size * 2);
  for (std::size_t index = 0; index < size; ++index) {
    out.push_back(hex_digits[from[index] >> 4]);
    out.push_back(hex_digits[from[index] & 15]);
  }
  return out;
}

std::string random_hex(std::size_t count) {
  std::string bytes(count, '\0');
  std::size_t done = 0;
  while (done < count) {
    const ssize_t got = ::getrandom(bytes.data() + done, count - done, 0);
    if (got < 0 && errno != EINTR) throw os_error("reading random bytes");
    if (got > 0) done += static_cast<std::size_t>(got);
  }
  return to_hex(bytes.data(), count);
}

std::string human_size(std::uint64_t bytes) {
  constexpr std::array units = {"B", "kB", "MB", "GB", "TB", "PB", "EB"};
  double size = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (size >= 1000.0 && unit + 1 < units.size()) {
    size /= 1000.0;
    ++unit;
  }
  char buffer[32];
  const int length = std::snprintf(buffer, sizeof buffer, "%.4g%s", size, units[unit]);
  return std::string(buffer, static_cast<std::size_t>(length));
}

std::optional<std::uint64_t> parse_size(std::string_view text) {
  const std::size_t number_end = std::min(text.find_first_not_of("0123456789."), text.size());
  std::string_view number = text.substr(0, number_end);
  std::string_view suffix = text.substr(number_end);
  if (suffix.size() > 1 && suffix[0] == ' ') suffix.remove_prefix(1);
  const std::optional<int> power = size_suffix_power(suffix);
  if (!power) return std::nullopt;
  const std::uint64_t factor = std::uint64_t{1} << (10 * *power);

  const auto fraction = split_once(number, '.');
  const std::optional<std::uint64_t> whole = parse_unsigned(fraction ? fraction->first : number);
  std::uint64_t bytes = 0;
  if (!whole || __builtin_mul_overflow(*whole, factor, &bytes)) return std::nullopt;
  if (!fraction) return bytes;
  if (fraction->second.size() > 18) return std::nullopt;
  const std::optional<std::uint64_t> digits = parse_unsigned(fraction->second);
  if (!digits) return std::nullopt;
  double part = static_cast<double>(*digits);
  for (std::size_t index = 0; index < fraction->second.size(); ++index) part /= 10.0;
  const auto extra = static_cast<std::uint64_t>(part * static_cast<double>(factor));
  if (__builtin_add_overflow(bytes, extra, &bytes)) return std::nullopt;
  return bytes;
}

std::string sanitize_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t index = 0; index < bytes.size();) {
    const std::size_t length = utf8_length(bytes.substr(index));
    out.append(length > 0 ? bytes.substr(index, length) : std::string_view{"\xef\xbf\xbd"});
    index += length > 0 ? length : 1;
  }
  return out;
}

}  // namespace base
