#pragma once

#include <functional>
#include <optional>
#include <regex>
#include <string>
#include <utility>
#include <vector>

#include "engine/verbs.hpp"

namespace engine {

/// --filter KEY=VALUE of ps. Several values of one key: any of them; of `label`: all of them; several keys: all keys.
struct ListFilters {
  std::vector<std::pair<std::string, std::vector<std::string>>> keys;
  bool names_status = false;                       ///< Then exited containers are shown without --all, as podman does.
  bool names_policy = false;                       ///< Restart policies have to be read.
  std::vector<std::regex> names;                   ///< Of `name`, those that are more than a part of a name.
  std::optional<base::Time> before, since, until;  ///< When it may have been created.
  bool match(const ContainerSummary& container) const;
};

/// When the container of that name was created. @throws Error not_found.
using CreationOf = std::function<base::Time(const std::string& container)>;

/// Keys: id, name, label, status, ancestor, exited, network, volume, health, restart-policy, should-start-on-boot,
/// before, since, until, command, pod. `name` is a regular expression. KEY!=VALUE: those that KEY=VALUE leaves out, for
/// label. @throws Error invalid_argument for others.
ListFilters parse_list_filters(const std::vector<std::string>& words, const CreationOf& creation_of);

}  // namespace engine
