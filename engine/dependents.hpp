#pragma once

#include <string>
#include <vector>

#include "engine/context.hpp"

// Which containers have namespaces of another one, and so cannot be without it. A container's folder has a file for
// each that was ever made so; those that are gone do not count.

namespace engine {

/// Before container `id` is made with namespaces of `owner`.
void note_dependent(Engine& engine, const std::string& owner, const std::string& id);

/// Whether there is one that needs it.
bool is_needed(Engine& engine, const std::string& id);

/// Before a container is removed, if it is there. @throws Error already_exists, as podman has it, when one needs it.
void refuse_dependents(Engine& engine, const std::string& container);

/// For `rm --depend`: ids of all that need it, and of those that need these, and last its own.
/// @throws Error not_found.
std::vector<std::string> with_dependents(Engine& engine, const std::string& container);

/// These ids so that whoever needs another one comes before it.
std::vector<std::string> dependents_first(Engine& engine, const std::vector<std::string>& ids);

}  // namespace engine
