#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "registry/credentials.hpp"

namespace registry {

/// [A-Za-z0-9_-]+, so that no path can be made with it.
bool is_helper_name(std::string_view name);

/// Pure. What `docker-credential-X get` printed. @throws Error corrupt.
Credentials parse_helper_answer(std::string_view json, const std::string& helper);

/// Runs `docker-credential-NAME get` for a server; nothing when the helper has no credentials for it or is not
/// installed (with a warning). The program is looked for in a fixed list of folders; it has 30 seconds and may print
/// 64 KiB. @throws Error permission, when it fails; corrupt. Source: docker/docker-credential-helpers, README
/// "Development".
std::optional<Credentials> ask_credential_helper(const std::string& name, std::string_view server);

}  // namespace registry
