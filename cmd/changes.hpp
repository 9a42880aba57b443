#pragma once

#include <string>
#include <vector>

#include "cmd/option_table.hpp"
#include "engine/image_views.hpp"

namespace cmd {

/// --format of the diff commands.
void declare_changes_format(OptionTable& table, std::string& format);

/// "A /path" lines, or podman's JSON. @throws Error invalid_argument, for a format that podman has not.
void print_changes(const std::vector<engine::ImageChange>& changes, const std::string& format);

}  // namespace cmd
