#pragma once

#include <string>
#include <string_view>

#include "engine/templates/node.hpp"

namespace engine::templates {

/// Most that a template may have, in bytes, and how deep blocks and parentheses may be nested.
constexpr std::size_t max_template_bytes = 1024 * 1024;
constexpr unsigned max_nesting = 300;

/// @param name  What errors call it: "template: NAME:LINE: unexpected …".
/// @throws Error invalid_argument, in the words of Go's text/template.
Trees parse_template(const std::string& name, std::string_view text);

}  // namespace engine::templates
