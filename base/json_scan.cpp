#include "base/json_scan.hpp"

#include <algorithm>
#include <cstring>

#include "base/text.hpp"

namespace base {

namespace {

/// What a backslash and this letter stand for; 0 for what only JsonAt knows.
char unescaped(char letter) {
  switch (letter) {
    case '"':
    case '\\':
    case '/':
      return letter;
    case 'n':
      return '\n';
    case 't':
      return '\t';
    case 'r':
      return '\r';
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    default:
      return 0;
  }
}

/// Without a branch for each byte.
bool is_plain(std::string_view text) {
  unsigned wrong = 0;
  for (const char c : text) wrong |= static_cast<unsigned>(static_cast<unsigned char>(c - 0x20) >= 0x7f - 0x20);
  return wrong == 0;
}

bool unescape(std::string_view raw, std::string& value) {
  value.clear();
  for (std::size_t at = 0; at < raw.size();) {
    const std::size_t escape = std::min(raw.find('\\', at), raw.size());
    value.append(raw, at, escape - at);
    if (escape == raw.size()) return true;
    const char letter = unescaped(raw[escape + 1]);  // there is one: else the quote would be escaped
    if (letter == 0) return false;
    value.push_back(letter);
    at = escape + 2;
  }
  return true;
}

}  // namespace

JsonScan::JsonScan(std::string_view bytes) : at_(bytes.data()), end_(bytes.data() + bytes.size()) {
  if (!take('{')) give_up();
}

/// Nothing can be taken from here on, so is_complete_ stays false.
void JsonScan::give_up() {
  at_ = end_;
}

/// The text between two quotes, escapes as they are.
std::optional<std::string_view> JsonScan::take_raw_string() {
  if (!take('"')) return std::nullopt;
  const char* const start = at_;
  while (at_ != end_) {
    const void* quote = std::memchr(at_, '"', static_cast<std::size_t>(end_ - at_));
    if (quote == nullptr) break;
    const char* const stop = static_cast<const char*>(quote);
    at_ = stop + 1;
    const char* before = stop;
    while (before != start && before[-1] == '\\') --before;
    if ((stop - before) % 2 == 0) return std::string_view{start, static_cast<std::size_t>(stop - start)};
  }
  return std::nullopt;
}

bool JsonScan::take_string(std::string& value) {
  const auto raw = take_raw_string();
  if (!raw || !is_plain(*raw)) return false;
  if (raw->find('\\') != std::string_view::npos) return unescape(*raw, value);
  value.assign(*raw);
  return true;
}

/// A number, true, false or null.
std::string_view JsonScan::take_word() {
  const auto is_part = [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || c == '-' || c == '.' || c == '+' || c == 'E';
  };
  peek();
  const char* const start = at_;
  while (at_ != end_ && is_part(*at_)) ++at_;
  return {start, static_cast<std::size_t>(at_ - start)};
}

std::optional<std::string_view> JsonScan::next_key() {
  if (take('}')) {
    is_complete_ = peek() == '\0' && at_ == end_;
    give_up();
    return std::nullopt;
  }
  const bool is_separated = is_first_ || take(',');
  is_first_ = false;
  const auto key = is_separated ? take_raw_string() : std::nullopt;
  if (key && key->find('\\') == std::string_view::npos && take(':')) return key;
  give_up();
  return std::nullopt;
}

void JsonScan::read(std::string& value) {
  if (!take_string(value)) give_up();
}

void JsonScan::read(bool& value) {
  const std::string_view word = take_word();
  if (word != "true" && word != "false") return give_up();
  value = word == "true";
}

void JsonScan::read(int& value) {
  const auto number = parse_signed(take_word());
  if (!number || *number != static_cast<int>(*number)) return give_up();
  value = static_cast<int>(*number);
}

void JsonScan::read(std::int64_t& value) {
  const auto number = parse_signed(take_word());
  if (!number) return give_up();
  value = *number;
}

void JsonScan::read(std::uint64_t& value) {
  const auto number = parse_unsigned(take_word());
  if (!number) return give_up();
  value = *number;
}

template <class TakeElement>
void JsonScan::read_elements(char open, char close, const TakeElement& take_element) {
  if (!take(open)) return give_up();
  if (take(close)) return;
  do {
    if (!take_element()) return give_up();
  } while (take(','));
  if (!take(close)) give_up();
}

void JsonScan::read(std::vector<std::string>& values) {
  values.clear();
  read_elements('[', ']', [&] { return take_string(values.emplace_back()); });
}

void JsonScan::read(std::vector<std::pair<std::string, std::string>>& values) {
  values.clear();
  read_elements('{', '}', [&] {
    auto& [key, value] = values.emplace_back();
    return take_string(key) && take(':') && take_string(value);
  });
}

void JsonScan::skip() {
  std::size_t depth = 0;
  do {
    const char next = peek();
    if (next == '"') {
      if (!take_raw_string()) return give_up();
    } else if (next == '{' || next == '[') {
      ++depth;
      ++at_;
    } else if (next == '}' || next == ']') {
      if (depth == 0) return give_up();
      --depth;
      ++at_;
    } else if ((next == ',' || next == ':') && depth > 0) {
      ++at_;
    } else if (take_word().empty()) {
      return give_up();
    }
  } while (depth > 0);
}

}  // namespace base
