#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "cmd/option_table.hpp"
#include "cmd/option_walk.hpp"

namespace cmd {

/// Checks and converts the values of `given` and stores them where the options point. Of an option that was given more
/// than once, lists keep every value and the others the last.
/// @throws Error invalid_argument naming option and value; unsupported for an option that is refused.
void bind_options(const std::vector<Given>& given);

/// Hands `words` to the positionals of `table`.
/// @throws Error invalid_argument when there are too few or too many; `command` is for the message: "engine kill".
void bind_words(const OptionTable& table, const std::vector<std::string>& words, std::string_view command);

}  // namespace cmd
