#pragma once

#include <string>
#include <string_view>

#include "storage/secrets.hpp"

namespace engine {

/// Pure. `--secret NAME[,type=mount|env][,target=…][,uid=][,gid=][,mode=]`; the id is not known yet. A target that is
/// no absolute path lies in /run/secrets; ".." leads nowhere above that.
/// @throws Error invalid_argument. Source: podman-run(1) "--secret".
storage::ContainerSecret parse_secret_word(std::string_view word);

inline constexpr std::string_view secrets_place = "/run/secrets";

}  // namespace engine
