#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace rootless {

/// Whether the environment may be trusted: real and effective ids agree and AT_SECURE is 0. Source: getauxval(3).
bool has_secure_environment() noexcept;

/// The user's folders; "engine" is appended by engine/config.
struct Places {
  std::string data;
  std::string config;
  std::string cache;
  std::string run;
};

/// XDG base directories; root, where /run and /var/lib are its own: /var/lib, /var/cache and /run. Relative values are
/// ignored, as the XDG specification says. `run` is $XDG_RUNTIME_DIR when it is ours with mode 0700, else /run/user/UID
/// by the same test, else /tmp/engine-run-UID, made when absent.
/// @throws Error permission, when /tmp/engine-run-UID belongs to somebody else.
Places find_places(std::uint32_t uid, const std::string& home);

/// Whether `path` is a directory (no link) of `uid` that group and others can neither write nor, when
/// `exactly_private`, see into.
bool is_own_directory(const std::string& path, std::uint32_t uid, bool exactly_private);

}  // namespace rootless
