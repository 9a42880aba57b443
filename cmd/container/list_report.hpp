#pragma once

#include <string>
#include <vector>

#include "engine/verbs.hpp"

namespace cmd {

/// Prints containers by a template. @param whole  Ids and commands are not shortened.
void print_containers(const std::vector<engine::ContainerSummary>& containers, const std::string& format, bool whole,
                      bool with_headings);

}  // namespace cmd
