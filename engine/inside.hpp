#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/context.hpp"

namespace engine {

/// Runs `engine _inside WORDS…` in a user namespace with the caller's full id map and waits for it: the only way to
/// touch files of subordinate ids. @throws Error with the child's message when it fails.
/// @param on_message  Given each message that the child sends before its last one.
/// @param output      The child's standard output; -1: ours.
void run_inside(Engine& engine, const std::vector<std::string>& words,
                const std::function<void(std::string_view)>& on_message = nullptr, int output = -1);

}  // namespace engine
