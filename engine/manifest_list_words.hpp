#pragma once

#include "engine/manifest_list.hpp"
#include "engine/manifest_list_verbs.hpp"

namespace engine {

/// Puts what the user said of an instance in the place of what it said itself. @throws Error invalid_argument.
void apply_words(ListInstance& instance, const InstanceWords& words);

}  // namespace engine
