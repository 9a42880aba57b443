#pragma once

#include <string>

namespace cmd {

/// All commands, options and words as JSON. Man pages and completions are generated from it.
std::string description();

}  // namespace cmd
