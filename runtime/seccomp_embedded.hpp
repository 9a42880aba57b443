#pragma once

#include <cstddef>
#include <cstdint>
#include <linux/filter.h>
#include <string>
#include <string_view>

namespace runtime {

/// The default profile of one usual capability set, and its program; made at build time by seccomp_generate.cpp.
struct EmbeddedSeccomp {
  std::uint64_t capabilities;  ///< Only those that make a difference (seccomp_relevant_capabilities).
  std::string_view json;
  const sock_filter* program;
  std::size_t length;
};

extern const EmbeddedSeccomp embedded_seccomp[];
extern const std::size_t embedded_seccomp_count;

/// What stands in a config.json where a profile was taken out.
inline constexpr std::string_view profile_marker = "built-in";

struct ShortenedConfig {
  std::string json;
  std::string_view profile;  ///< Empty: nothing was taken out, and `json` is empty.
};

/// Takes a built-in profile, recognized by its text, out of a config.json: it is three quarters of those that we write,
/// and parsing it would take half a millisecond of every start.
ShortenedConfig take_out_built_in_profile(std::string_view config_json);

}  // namespace runtime
