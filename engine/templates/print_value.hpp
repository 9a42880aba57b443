#pragma once

#include <string>

#include "engine/templates/print_flags.hpp"
#include "engine/templates/quoting.hpp"
#include "engine/templates/value.hpp"

namespace engine::templates {

/// One value by one verb of Go's package fmt, appended to `out`.
class ValuePrinter {
 public:
  ValuePrinter(std::string& out, PrintFlags flags) : out_(out), flags_(flags) {}
  void print(const Value& value, char32_t verb);

 private:
  void print_at(const Value& value, char32_t verb, unsigned depth);
  bool print_by_method(const Value& value, char32_t verb);
  void print_boolean(const Value& value, char32_t verb);
  void print_integer(const Value& value, char32_t verb);
  void print_floating(const Value& value, char32_t verb);
  void print_string(const Value& value, char32_t verb);
  void print_text(const Value& value, const std::string& text, char32_t verb);
  void print_list(const Value& value, char32_t verb, unsigned depth);
  void print_map(const Value& value, char32_t verb, unsigned depth);
  void print_structure(const Value& value, char32_t verb, unsigned depth);
  void print_pointer(const Value& value, char32_t verb, unsigned depth);
  void print_bad_verb(const Value& value, char32_t verb);

  std::string& out_;
  PrintFlags flags_;
  bool is_bad_ = false;  ///< A value is shown that its verb does not fit.
};

}  // namespace engine::templates
