#include "runtime/seccomp.hpp"

#include <linux/seccomp.h>
#include <optional>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "runtime/capability_names.hpp"
#include "runtime/seccomp_cache.hpp"
#include "runtime/seccomp_embedded.hpp"
#include "runtime/seccomp_emit.hpp"
#include "runtime/seccomp_rules.hpp"

namespace runtime {
namespace {

std::optional<SeccompFilter> find_embedded(std::string_view seccomp_json) {
  for (std::size_t index = 0; index < embedded_seccomp_count; ++index) {
    const EmbeddedSeccomp& candidate = embedded_seccomp[index];
    if (candidate.json == seccomp_json)
      return SeccompFilter{.program = {candidate.program, candidate.program + candidate.length}};
  }
  return std::nullopt;
}

SeccompProfile parse(std::string_view seccomp_json) {
  return parse_seccomp(base::JsonAt::parse(seccomp_json, "the seccomp profile"));
}

void add_listener(SeccompFilter& filter, const SeccompProfile& profile) {
  filter.listener_path = profile.listener_path;
  filter.listener_metadata = profile.listener_metadata;
}

}  // namespace

ShortenedConfig take_out_built_in_profile(std::string_view config_json) {
  // In a JSON text there would be a backslash before the second quote.
  constexpr std::string_view key = "\"seccomp\":";
  const std::size_t at = config_json.find(key);
  if (at == std::string_view::npos || config_json.find(key, at + key.size()) != std::string_view::npos) return {};
  const std::string_view before = config_json.substr(0, at + key.size());
  const std::string_view value = config_json.substr(before.size());
  for (std::size_t index = 0; index < embedded_seccomp_count; ++index) {
    const std::string_view profile = embedded_seccomp[index].json;
    if (value.starts_with(profile))
      return {base::concat(before, '"', profile_marker, '"', value.substr(profile.size())), profile};
  }
  return {};
}

SeccompFilter compile_seccomp(std::string_view seccomp_json, int cache_dir_fd) {
  if (seccomp_json.empty()) return {};
  if (std::optional<SeccompFilter> filter = find_embedded(seccomp_json)) return std::move(*filter);
  const SeccompCache cache{cache_dir_fd, seccomp_json};
  if (std::optional<SeccompFilter> filter = cache.find()) {
    if ((filter->flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) != 0) add_listener(*filter, parse(seccomp_json));
    return std::move(*filter);
  }
  const SeccompProfile profile = parse(seccomp_json);
  SeccompFilter filter{.program = emit_seccomp(profile), .flags = profile.flags};
  cache.store(filter);
  add_listener(filter, profile);
  return filter;
}

std::string default_profile_json(const std::vector<std::string>& capabilities) {
  const std::uint64_t relevant = capability_bits(capabilities) & seccomp_relevant_capabilities();
  for (std::size_t index = 0; index < embedded_seccomp_count; ++index)
    if (embedded_seccomp[index].capabilities == relevant) return std::string{embedded_seccomp[index].json};
  return write_seccomp(default_seccomp_profile(relevant));
}

}  // namespace runtime
