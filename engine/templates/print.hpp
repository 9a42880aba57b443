#pragma once

#include <string>
#include <string_view>

#include "engine/templates/value.hpp"

// Values as Go's package fmt prints them.

namespace engine::templates {

/// What {{…}} prints: fmt.Sprint of what pointers lead to; "<no value>" for none.
std::string shown(const Value& value);
/// fmt.Sprint: a blank between two operands when neither is text.
std::string print_values(const Values& values);
/// fmt.Sprintln
std::string print_line(const Values& values);
/// fmt.Sprintf
std::string print_formatted(std::string_view format, const Values& values);

}  // namespace engine::templates
