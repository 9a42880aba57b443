#pragma once

#include <string>
#include <vector>

#include "engine/generate_systemd.hpp"

namespace cmd {

/// The words of `run` or `create` after the program's name, taken apart by the tables of those commands. What is
/// neither has no command.
engine::Creation take_creation_apart(const std::vector<std::string>& words);

}  // namespace cmd
