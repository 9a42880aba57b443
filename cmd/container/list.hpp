#pragma once

#include <string>

#include "engine/verbs.hpp"

namespace cmd {

/// "Up 5 minutes", "Exited (0) 2 hours ago", "Created".
std::string status_text(const engine::ContainerSummary& container);

}  // namespace cmd
