#pragma once

#include <string>
#include <vector>

#include "engine/context.hpp"

namespace engine {

/// Runs `engine _inside WORDS…` in a user namespace with the caller's full id map and waits for it: the only way to
/// touch files of subordinate ids. @throws Error with the child's message when it fails.
void run_inside(Engine& engine, const std::vector<std::string>& words);

}  // namespace engine
