#pragma once

#include <optional>
#include <string_view>

#include "engine/templates/node.hpp"

namespace engine::templates {

/// "0x1f", "1_000", "-3", "1e3", "2.5" by Go's rules.
/// @throws Error invalid_argument, with Go's words, when it is none or fits in no type.
Number parse_number(std::string_view text);

}  // namespace engine::templates
