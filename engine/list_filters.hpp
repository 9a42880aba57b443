#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/verbs.hpp"

namespace engine {

/// --filter KEY=VALUE of ps. Several values of one key: any of them; of `label`: all of them; several keys: all keys.
struct ListFilters {
  std::vector<std::pair<std::string, std::vector<std::string>>> keys;
  bool names_status = false;  ///< Then exited containers are shown without --all, as podman does.
  bool names_policy = false;  ///< Restart policies have to be read.
  bool match(const ContainerSummary& container) const;
};

/// Keys: id, name, label, status, ancestor, exited, network, volume, health, restart-policy,
/// should-start-on-boot. @throws Error invalid_argument for others.
ListFilters parse_list_filters(const std::vector<std::string>& words);

}  // namespace engine
