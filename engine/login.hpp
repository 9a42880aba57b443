#pragma once

#include <optional>
#include <string>

#include "engine/context.hpp"

// login and logout. Only in engine-transfer. No text here but a user's name may be shown.

namespace engine {

struct LoginOptions {
  std::string registry;  ///< "quay.io", "quay.io/team"; empty: the first that short names are looked for in.
  std::string auth_file;
  std::string docker_file;  ///< --compat-auth-file: in the form that only docker reads.
  std::string cert_dir;
  std::optional<bool> tls_verify;
};

/// What is kept for a registry already.
struct KnownLogin {
  std::string registry;  ///< As it is called from here on.
  std::string user;      ///< Empty: none, or a token.
  bool has_token = false;
};
KnownLogin find_login(Engine& engine, const LoginOptions& options);

/// Whether the registry accepts what is kept for it.
bool is_login_valid(Engine& engine, const LoginOptions& options);

/// Asks the registry, and keeps the credentials: in the first credential helper or auth file that is for it.
/// @return  Where they are kept now, for the user: a path, or "credential helper X".
/// @throws Error permission, when the registry does not accept them.
std::string log_in(Engine& engine, const LoginOptions& options, const std::string& user, const std::string& password);

/// Forgets what is kept for one registry. @throws Error not_found, when there was nothing.
/// @return  The registry.
std::string log_out(Engine& engine, const LoginOptions& options);
void log_out_everywhere(Engine& engine, const LoginOptions& options);

}  // namespace engine
