#pragma once

#include <string>
#include <string_view>

namespace cmd {

/// Text whose lines have cells that end in tabs, with the tabs replaced by blanks so that columns line up. As Go's
/// tabwriter the way podman uses it: cells of neighbouring lines form a column, each as wide as its widest cell and two
/// blanks, at least twelve; what stands behind the last tab of a line is in no column.
std::string align_tabs(std::string_view text);

}  // namespace cmd
