#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "registry/registries_conf.hpp"

namespace registry {

/// Pure. What "busybox:1" may mean, best first, fully qualified: an alias of the configuration, a built-in alias (the
/// official images), the unqualified-search-registries, else docker.io. A qualified name is itself.
/// @throws Error invalid_argument, for a bad name, an empty search list, or several candidates in enforcing mode.
std::vector<std::string> short_name_candidates(std::string_view name, const RegistriesConf& conf);

}  // namespace registry
