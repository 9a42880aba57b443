#pragma once

#include <string>
#include <vector>

#include "engine/verbs.hpp"

namespace cmd {

/// Prints containers by a template. @param sizes  Of each, as shown; or empty. @param whole  Ids and commands are not
/// shortened.
void print_containers(const std::vector<engine::ContainerSummary>& containers, const std::vector<std::string>& sizes,
                      const std::string& format, bool whole, bool with_headings);

}  // namespace cmd
