#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/run_options.hpp"
#include "runtime/spec.hpp"

namespace engine {

/// What --privileged, --cap-add, --cap-drop and --security-opt come to.
struct Security {
  std::vector<std::string> capabilities;  ///< The bounding set, "CAP_CHOWN", …
  std::vector<std::string> added;         ///< Of those, the ones the user named with --cap-add.
  bool no_new_privileges = false;
  bool seccomp = true;
  std::string seccomp_file;  ///< Empty: the default profile.
  std::string apparmor;
  std::vector<std::string> masked_paths;
  std::vector<std::string> readonly_paths;
};

/// @param configured  Capabilities that a container has unless it says otherwise; nothing: podman's.
/// @throws Error invalid_argument for unknown capabilities and options.
Security resolve_security(const RunOptions& options,
                          const std::optional<std::vector<std::string>>& configured = std::nullopt);

/// Capabilities for a process: inheritable always empty; a process that is not root gets only what was added by name.
runtime::Capabilities capabilities_for(const Security& security, std::uint32_t uid);

/// Whether --cap-drop takes this one away, by its name or with all others.
bool is_taken_away(const RunOptions& options, const std::string& capability);

/// All capability names this kernel knows .
std::vector<std::string> all_capabilities();
/// What a container has that nobody gave or took any. @param configured  As above.
std::vector<std::string> default_capability_names(const std::optional<std::vector<std::string>>& configured);

}  // namespace engine
