#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "registry/credentials.hpp"

// Changing auth.json (containers-auth.json(5)) and Docker's config.json: only what concerns a login, all else is kept.

namespace registry {

/// The key of an auth file that `text` of a command line means: "quay.io/team", "docker.io" for all of Docker Hub's
/// addresses. Scheme, blanks and an API path at the end are left out.
/// @throws Error invalid_argument, for what names no registry, or has a tag or digest.
std::string login_key(std::string_view text);
/// The registry of a key.
std::string domain_of_key(std::string_view key);

/// Pure. `text` of an auth file (may be empty) with these credentials under `key`, in place of older ones for it.
std::string add_to_auth_file(std::string_view text, const std::string& file, const std::string& key,
                             const Credentials& credentials);
/// Pure. `text` without `key`, also in its old forms; nothing when it was not there.
std::optional<std::string> remove_from_auth_file(std::string_view text, const std::string& file,
                                                 const std::string& key);
/// Pure. `text` without any credentials and helpers of single registries.
std::string clear_auth_file(std::string_view text, const std::string& file);

/// A registry that an auth file leaves to a helper.
struct HelperOfRegistry {
  std::string key;
  std::string helper;
};
/// Pure. credHelpers of an auth file. @throws Error corrupt.
std::vector<HelperOfRegistry> helpers_of_auth_file(std::string_view text, const std::string& file);
/// Pure. credsStore of an auth file; empty when there is none. @throws Error corrupt.
std::string store_of_auth_file(std::string_view text, const std::string& file);

/// The file's text; empty when it does not exist. @throws Error permission, when it is there and cannot be read: who
/// took that for empty would write over all logins in it.
std::string read_auth_file_text(const std::string& file);
/// Replaces the file by what `edit` makes of its text (nothing: it stays), atomically and for its owner alone, through
/// a symbolic link too. Its folder is made when missing. Of several processes one edits at a time: `.NAME.lock` beside
/// it.
using AuthFileEdit = std::function<std::optional<std::string>(const std::string& text)>;
void edit_auth_file(const std::string& file, const AuthFileEdit& edit);

}  // namespace registry
