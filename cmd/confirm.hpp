#pragma once

#include <string_view>

namespace cmd {

/// Prints `warning` and podman's question, and reads a line: whether it begins with "y".
/// @throws Error invalid_argument at end of file: nobody is there to answer.
bool confirm(std::string_view warning);

}  // namespace cmd
