#pragma once

#include <string>
#include <vector>

#include "engine/config.hpp"

namespace cmd {

/// --root and its like, so that a unit means the same store.
std::vector<std::string> store_words(const engine::GlobalOptions& globals);

}  // namespace cmd
