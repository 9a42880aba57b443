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

/// Pure. What a person should choose from: several names, of which no alias says which one is meant, unless the mode is
/// "disabled". Else nothing. Source: containers-registries.conf(5) "SHORT-NAME ALIASING".
std::vector<std::string> short_name_choices(std::string_view name, const RegistriesConf& conf);

/// Pure. short-name-aliases.conf with one alias more. @param name  As typed; its tag or digest is left out of both.
/// @throws Error invalid_argument, when `toml` is none.
std::string add_short_name_alias(std::string_view toml, const std::string& file, std::string_view name,
                                 const oci::Reference& target);

}  // namespace registry
