#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace base {

/// Reads the members of one JSON object in turn and builds no tree: for lists of a thousand small records. It takes
/// plain JSON only, as JsonWriter writes it for ASCII texts; at anything else it stops and is not complete(), and the
/// caller asks JsonAt, which can read the rest of JSON or say what is wrong. Members that are skipped are not checked.
class JsonScan {
 public:
  /// The bytes must outlive the scan and the keys it gives.
  explicit JsonScan(std::string_view bytes);

  /// The key of the next member, whose value is to be read or skipped before the next call. Nothing at the end.
  std::optional<std::string_view> next_key();
  void read(std::string& value);
  void read(bool& value);
  void read(int& value);
  void read(std::int64_t& value);
  void read(std::uint64_t& value);
  void read(std::vector<std::string>& values);
  void read(std::vector<std::pair<std::string, std::string>>& values);
  void skip();

  /// Whether all of the document was read and understood.
  bool complete() const { return is_complete_; }

 private:
  /// The next byte that is no white space; 0 at the end.
  char peek() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\t' || *at_ == '\r')) ++at_;
    return at_ == end_ ? '\0' : *at_;
  }
  bool take(char expected) {
    if (peek() != expected || at_ == end_) return false;
    ++at_;
    return true;
  }
  void give_up();
  std::optional<std::string_view> take_raw_string();
  bool take_string(std::string& value);
  std::string_view take_word();
  /// Calls `take_element` for each element between `open` and `close`.
  template <class TakeElement>
  void read_elements(char open, char close, const TakeElement& take_element);

  const char* at_;
  const char* end_;
  bool is_complete_ = false;
  bool is_first_ = true;
};

}  // namespace base
