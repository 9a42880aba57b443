#pragma once

#include <string>
#include <vector>

#include "engine/context.hpp"
#include "storage/secrets.hpp"

// The verbs of `engine secret`.

namespace engine {

struct SecretCreateOptions {
  std::string name;
  std::string source;  ///< A file, "-" for standard input, or with from_environment a variable.
  bool from_environment = false;
  bool replace = false;
  bool ignore = false;  ///< One of this name is as good.
  std::string driver = "file";
  std::vector<std::string> driver_options;  ///< "KEY=VALUE"
  std::vector<std::string> labels;          ///< "KEY=VALUE"
};

/// Returns the id. @throws Error already_exists, invalid_argument, unsupported.
std::string create_secret(Engine& engine, const SecretCreateOptions& options);
/// --filter of `secret ls`: name (a regular expression is not one: a part of the name), id (its beginning). Values of
/// one key: any of them. @throws Error invalid_argument.
std::vector<storage::Secret> secrets(Engine& engine, const std::vector<std::string>& filters);
/// By name, id or the beginning of one. @throws Error not_found, invalid_argument.
storage::Secret require_secret(Engine& engine, const std::string& text);
bool secret_exists(Engine& engine, const std::string& text);
/// Returns the id. Containers that were made with it keep their copy. @throws Error not_found.
std::string remove_secret(Engine& engine, const std::string& text);
/// podman's JSON of one. @param data  Its bytes, too: --showsecret.
std::string inspect_secret(Engine& engine, const storage::Secret& secret, bool with_data);

}  // namespace engine
