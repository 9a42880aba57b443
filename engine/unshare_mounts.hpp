#pragma once

#include <string>
#include <string_view>

#include "engine/context.hpp"

namespace engine {

/// Mounts made for the user live in the mount namespace of `engine unshare`, or of root, and go with it.
/// @param command  As typed: "image mount IMAGE". @throws Error unsupported for who is neither.
void require_unshare(const Engine& engine, std::string_view command);

/// Whether something is mounted at this path, as /proc/self/mountinfo spells it.
bool is_mounted(const std::string& path);

}  // namespace engine
