#pragma once

#include <string_view>

namespace cmd {

/// "0.1.0"
std::string_view version() noexcept;
/// Identifies the build that all of our executables must come from (ARCHITECTURE.md 8.13).
std::string_view build_id() noexcept;
/// "engine version 0.1.0\n"
std::string_view version_line() noexcept;

}  // namespace cmd
