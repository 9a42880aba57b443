#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"

namespace engine {

/// --filter of the prune commands. All keys must agree; of `until`, the last one counts.
struct PruneFilters {
  std::optional<base::Time> until;          ///< Only what was made before.
  std::vector<std::string> labels;          ///< KEY or KEY=VALUE, which it must have.
  std::vector<std::string> without_labels;  ///< Which it must not have.
  std::optional<bool> dangling;             ///< Images: without a name.

  using Labels = std::vector<std::pair<std::string, std::string>>;
  bool match(const std::optional<base::Time>& created, const Labels& of) const;
};

/// @param known  Keys that this command has. @throws Error invalid_argument.
PruneFilters parse_prune_filters(const std::vector<std::string>& words, const std::vector<std::string>& known);

}  // namespace engine
