#pragma once

#include <array>
#include <string_view>

#include "engine/templates/value.hpp"

namespace engine::templates {

/// What an argument must be.
enum class Parameter {
  none,
  value,    ///< Anything, also no value.
  any,      ///< Anything; no value becomes nil.
  text,     ///< string
  integer,  ///< int
  texts,    ///< []string
};
/// As Go names the type.
std::string_view name_of(Parameter parameter);

struct Function {
  std::string_view name;
  std::array<Parameter, 3> parameters;
  bool takes_more;  ///< Any number of the last parameter, also none.
  /// Arguments as the parameters say. Null for `and` and `or`, which evaluate no more than they need.
  /// @throws Error invalid_argument, in Go's words.
  Value (*call)(const Values& arguments);

  std::size_t count() const;
};

/// Those of Go's text/template, and those that podman and docker add. Null when there is none of this name.
const Function* find_function(std::string_view name);

// functions_method.cpp
/// How many texts a method of `receiver` takes: of a time, a duration, or `.Label` of a struct that has such a map.
/// Nothing when it has no method of that name.
std::optional<std::size_t> count_parameters(const Value& receiver, std::string_view name);
Value call_method(const Value& receiver, std::string_view name, const Values& arguments);

// functions_compare.cpp
Value compare_equal(const Values& arguments);
Value compare_unequal(const Values& arguments);
Value compare_less(const Values& arguments);
Value compare_less_or_equal(const Values& arguments);
Value compare_greater(const Values& arguments);
Value compare_greater_or_equal(const Values& arguments);

// functions_access.cpp
Value index_of(const Values& arguments);
Value slice_of(const Values& arguments);
Value count_of(const Values& arguments);

// functions_text.cpp
Value as_json(const Values& arguments);
Value escape_html(const Values& arguments);
Value escape_javascript(const Values& arguments);
Value escape_query(const Values& arguments);
Value join_texts(const Values& arguments);
Value split_text(const Values& arguments);
Value lower_case(const Values& arguments);
Value upper_case(const Values& arguments);
Value title_case(const Values& arguments);
Value pad_text(const Values& arguments);
Value truncate_text(const Values& arguments);

}  // namespace engine::templates
