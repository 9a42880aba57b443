#pragma once

#include <string>
#include <vector>

#include "engine/context.hpp"

// Short names that a person decides about. Only in engine-transfer.

namespace engine {

/// What `typed` may mean, when somebody must be asked; else nothing: it is no short name, an alias says what it means,
/// or short-name-mode says that nobody is asked.
/// @param may_be_stored  An image of the store that has such a name is meant, then.
std::vector<std::string> short_name_choices(Engine& engine, const std::string& typed, bool may_be_stored);

/// Notes what was chosen in short-name-aliases.conf, where podman and skopeo find it, too.
void remember_short_name(Engine& engine, const std::string& typed, const std::string& chosen);

}  // namespace engine
