#pragma once

#include <string>

#include "engine/templates/value.hpp"

namespace engine::templates {

/// As Go's encoding/json without its escaping for HTML: fields by their JSON names, maps sorted, nil lists `null`.
/// @param indent  What each level is indented by; empty: everything in one line.
std::string encode_json(const Value& value, std::string_view indent = {});

}  // namespace engine::templates
