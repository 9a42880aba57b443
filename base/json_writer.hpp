#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace base {

/// Writes JSON in the order of the calls; no HTML escaping; invalid UTF-8 becomes U+FFFD.
///   JsonWriter json; json.begin_object(); json.key("Id").value(id); json.end_object(); json.text()
class JsonWriter {
 public:
  /// `indent` 0: compact. Otherwise that many blanks a level, as Go's MarshalIndent.
  explicit JsonWriter(int indent = 0) : indent_(indent) {}

  JsonWriter& begin_object();
  JsonWriter& end_object();
  JsonWriter& begin_array();
  JsonWriter& end_array();
  JsonWriter& key(std::string_view name);
  JsonWriter& value(std::string_view text);
  JsonWriter& value(const char* text) { return value(std::string_view{text}); }
  JsonWriter& value(const std::string& text) { return value(std::string_view{text}); }
  JsonWriter& value(bool yes);
  JsonWriter& value(std::int64_t number);
  JsonWriter& value(std::uint64_t number);
  JsonWriter& value(int number) { return value(static_cast<std::int64_t>(number)); }
  JsonWriter& value(unsigned number) { return value(static_cast<std::uint64_t>(number)); }
  JsonWriter& value(double number);
  JsonWriter& value(const std::vector<std::string>& texts);
  JsonWriter& value(const std::vector<std::pair<std::string, std::string>>& map);
  JsonWriter& null();
  /// Bytes that are JSON already.
  JsonWriter& raw(std::string_view json);

  template <class Value>
  JsonWriter& member(std::string_view name, const Value& of) {
    key(name);
    return value(of);
  }

  const std::string& text() const noexcept { return text_; }
  std::string take() { return std::move(text_); }

 private:
  void before_value();
  JsonWriter& begin(char bracket);
  JsonWriter& end(char bracket);
  void new_line();
  int indent_;
  int depth_ = 0;
  bool first_ = true;
  bool after_key_ = false;
  std::string text_;
};

}  // namespace base
