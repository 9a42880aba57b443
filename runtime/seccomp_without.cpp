#include "runtime/seccomp_without.hpp"

#include <algorithm>
#include <cerrno>
#include <linux/seccomp.h>

#include "base/json.hpp"
#include "runtime/seccomp_rules.hpp"

namespace runtime {

std::string without_calls(std::string_view profile_json, const std::vector<std::string>& names) {
  SeccompProfile profile;
  if (profile_json.empty()) {
    profile = default_seccomp_profile(0);  // for its architectures
    profile.default_action = SECCOMP_RET_ALLOW;
    profile.rules.clear();
  } else {
    profile = parse_seccomp(base::JsonAt::parse(profile_json, "the seccomp profile"));
  }
  for (SyscallRule& rule : profile.rules)
    std::erase_if(rule.names,
                  [&](const std::string& name) { return std::find(names.begin(), names.end(), name) != names.end(); });
  std::erase_if(profile.rules, [](const SyscallRule& rule) { return rule.names.empty(); });
  profile.rules.push_back({names, SECCOMP_RET_ERRNO | EPERM, {}});
  return write_seccomp(profile);
}

}  // namespace runtime
