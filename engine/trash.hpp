#pragma once

#include "engine/context.hpp"

namespace engine {

/// Deletes what lies in the store's trash: directly what is ours, and through one child in the mapped user namespace
/// what belongs to subordinate ids. What cannot be deleted now stays for the next command; never throws for that.
void empty_trash(Engine& engine);

}  // namespace engine
