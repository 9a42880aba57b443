#pragma once

#include <optional>
#include <string>
#include <vector>

namespace engine {

/// Calls systemctl of the caller's manager, with --user for an ordinary user.
struct SystemctlResult {
  int code = 0;
  std::string out, error;
};
/// Nothing when there is no systemctl.
std::optional<SystemctlResult> systemctl(std::vector<std::string> words);

/// Whether the caller is an ordinary user, with a manager of its own.
bool has_user_manager();

/// "active/running" of each unit; "Not loaded" where systemd does not know it, or cannot be asked.
std::vector<std::string> unit_states(const std::vector<std::string>& units);

}  // namespace engine
