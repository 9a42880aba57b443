#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace cmd {

/// Edits (insert, delete, replace, swap neighbours) that turn `left` into `right`.
std::size_t edit_distance(std::string_view left, std::string_view right);

/// The candidate that a user most probably meant by `typed`; empty when none is near (at most a third of its letters
/// wrong, at least one) and none begins with it.
std::string nearest_word(std::string_view typed, const std::vector<std::string>& candidates);

}  // namespace cmd
