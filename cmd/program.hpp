#pragma once

#include <string>
#include <vector>

#include "cmd/invocation.hpp"

namespace cmd {

/// What main() does in both executables: parse, act, map Error to text and exit code. Nothing passes through it.
int run_program(const Program& program, std::vector<std::string> argv) noexcept;

}  // namespace cmd
