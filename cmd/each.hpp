#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "cmd/exit_code.hpp"

namespace cmd {

/// Runs `act` for every name. One that fails is reported at once and the others still get their turn.
/// @return  0, or the largest code that `code_of` gave for a failure.
int for_each_name(const std::vector<std::string>& names, const std::function<void(const std::string& name)>& act,
                  int (*code_of)(base::ErrorKind) noexcept = exit_code_of);

}  // namespace cmd
