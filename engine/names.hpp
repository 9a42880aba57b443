#pragma once

#include <string>
#include <string_view>

namespace engine {

/// "adjective_surname", at random.
/// @param attempt  From the fourth on it has a number behind it: one of few thousand names may be taken.
std::string random_container_name(unsigned attempt = 0);

/// Container names: [a-zA-Z0-9][a-zA-Z0-9_.-]*, podman's rule. @throws Error invalid_argument.
void check_container_name(std::string_view name);

}  // namespace engine
