#pragma once

#include "engine/verbs.hpp"

namespace engine {

/// As in verbs.hpp; the lines of several containers come by time, each with its container's id or name in front.
/// @param with_colours  Each container's in a colour of its own.
void logs(Engine& engine, const LogsOptions& options, bool with_colours);

}  // namespace engine
