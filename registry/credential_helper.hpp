#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/credentials.hpp"

// Programs that keep secrets for us: docker-credential-NAME, looked for in a fixed list of folders. Each call has 30
// seconds, and what it prints is limited. Secrets go through pipes, never through arguments or the environment.
// Source: docker/docker-credential-helpers, README "Development".

namespace registry {

/// [A-Za-z0-9_-]+, so that no path can be made with it.
bool is_helper_name(std::string_view name);

/// Pure. What a helper knows a registry by: Docker Hub has its old address there.
std::string helper_server(std::string_view domain);

/// Pure. What `docker-credential-X get` printed. @throws Error corrupt.
Credentials parse_helper_answer(std::string_view json, const std::string& helper);
/// Pure. What is written to `docker-credential-X store`.
std::string helper_request(std::string_view server, const Credentials& credentials);

/// `get`: nothing when the helper has no credentials for it or is not installed (with a warning).
/// @throws Error permission, when it fails; corrupt.
std::optional<Credentials> ask_credential_helper(const std::string& name, std::string_view server);
/// `store`. @throws Error unsupported, when it is not installed; permission, when it fails.
void store_with_helper(const std::string& name, std::string_view server, const Credentials& credentials);
/// `erase`; false when it had nothing for that server. @throws as above.
bool erase_from_helper(const std::string& name, std::string_view server);
/// `list`: the servers that it has credentials for. @throws as above.
std::vector<std::string> list_of_helper(const std::string& name);

}  // namespace registry
