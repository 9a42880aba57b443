#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "registry/open_source.hpp"

namespace registry {

inline constexpr std::size_t max_auth_file_bytes = 1024 * 1024;
/// The whole of an auth file. @throws Error corrupt, with a hint, when it is not a JSON object.
base::JsonAt parse_auth_file(std::string_view text, const std::string& file);

/// A secret; never logged, so it has no way to become text.
struct Credentials {
  std::string user;
  std::string password;
  std::string identity_token;  ///< OAuth2 refresh token; then user and password are empty.
};

/// Pure. Keys of an auth file that may hold credentials for `domain`/`path`, most specific first:
/// "quay.io/a/b", "quay.io/a", "quay.io". Source: containers-auth.json(5).
std::vector<std::string> credential_keys(std::string_view domain, std::string_view path);

/// Pure. The host that an old-style key means: "https://index.docker.io/v1/" is "docker.io"; of a key with a
/// repository path, which is not old-style, nothing.
std::optional<std::string> host_of_legacy_key(std::string_view key);

/// Pure. What `text` of an auth file says.
struct AuthFileAnswer {
  std::optional<Credentials> credentials;
  std::string helper;  ///< Suffix of a helper that must be asked, when there are no credentials; may be empty.
};
/// Order: credHelpers of the host, "auths" by key, "auths" by old-style key, credsStore.
/// @throws Error corrupt, for broken JSON or base64, or a helper name outside [A-Za-z0-9_-]+.
AuthFileAnswer read_auth_file(std::string_view text, const std::string& file, std::string_view domain,
                              std::string_view path);

/// --creds; else --authfile; else the credential helpers of registries.conf and the auth files in their order: the
/// first that knows the registry decides. Nothing: anonymous.
std::optional<Credentials> find_credentials(std::string_view domain, std::string_view path,
                                            const RegistryOptions& options);

/// Pure. @throws Error invalid_argument, without a ':'.
Credentials parse_credentials_option(std::string_view text);

}  // namespace registry
