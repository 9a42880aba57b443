#include "runtime/seccomp_emulation.hpp"

#include <algorithm>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <sys/stat.h>

#include "base/json.hpp"
#include "runtime/capability_names.hpp"
#include "runtime/seccomp_names.hpp"
#include "runtime/seccomp_rules.hpp"

namespace runtime {
namespace {

constexpr std::uint32_t done = SECCOMP_RET_ERRNO;  // with errno 0, which the caller takes for success

/// Calls that take ids, by the places of these among their arguments.
struct IdCalls {
  std::vector<std::string> names;
  std::vector<unsigned> uids, gids;
};

ArgumentRule is_equal(unsigned index, std::uint64_t value) {
  return {index, ArgumentTest::equal, value, 0, {}};
}

ArgumentRule is_not(unsigned index, std::uint64_t value) {
  return {index, ArgumentTest::not_equal, value, 0, {}};
}

ArgumentRule bits_are(unsigned index, std::uint64_t mask, std::uint64_t value) {
  return {index, ArgumentTest::masked_equal, mask, value, {}};
}

/// An id of -1, "no change", would change nothing anyway. No two rules with different actions apply to the same call,
/// so that they mean the same to every runtime, and no allowing one is needed where that is the default.
std::vector<SyscallRule> rules_of(const IdCalls& calls, const RootEmulation& emulation) {
  std::vector<SyscallRule> rules;
  SyscallRule allowed{{}, SECCOMP_RET_ALLOW, {}};
  const auto add = [&](unsigned index, std::uint32_t id) {
    rules.push_back({{}, done, {is_not(index, id)}});
    allowed.arguments.push_back(is_equal(index, id));
  };
  for (const unsigned index : calls.uids) add(index, emulation.uid);
  for (const unsigned index : calls.gids) add(index, emulation.gid);
  rules.push_back(std::move(allowed));
  return rules;
}

/// A device of number 0 is a whiteout of overlay, which every user may make. Source: mknod(2), Linux 5.8.
std::vector<SyscallRule> rules_of_mknod(unsigned mode, unsigned device) {
  std::vector<SyscallRule> rules = {
      {{}, done, {bits_are(mode, S_IFMT, S_IFCHR), is_not(device, 0)}},
      {{}, SECCOMP_RET_ALLOW, {bits_are(mode, S_IFMT, S_IFCHR), is_equal(device, 0)}},
      {{}, done, {bits_are(mode, S_IFMT, S_IFBLK)}},
  };
  for (const std::uint64_t kind : {0, S_IFREG, S_IFIFO, S_IFSOCK})
    rules.push_back({{}, SECCOMP_RET_ALLOW, {bits_are(mode, S_IFMT, kind)}});
  return rules;
}

bool has(const RootEmulation& emulation, unsigned capability) {
  return (capability_bits(emulation.capabilities) >> capability & 1) != 0;
}

/// Whether `name` is allowed whatever its arguments are. If so, it is no longer named by the rule that says it.
bool take_allowed(SeccompProfile& profile, const std::string& name) {
  SyscallRule* said = nullptr;
  for (SyscallRule& rule : profile.rules) {
    if (std::find(rule.names.begin(), rule.names.end(), name) == rule.names.end()) continue;
    if (!rule.arguments.empty()) return false;
    if (said == nullptr) said = &rule;
  }
  if (said == nullptr) return profile.default_action == SECCOMP_RET_ALLOW;
  if (said->action != SECCOMP_RET_ALLOW) return false;
  for (SyscallRule& rule : profile.rules) std::erase(rule.names, name);
  return true;
}

void emulate(SeccompProfile& profile, const std::vector<std::string>& names, const std::vector<SyscallRule>& rules) {
  std::vector<std::string> taken;
  for (const std::string& name : names)
    if (take_allowed(profile, name)) taken.push_back(name);
  if (taken.empty()) return;
  for (SyscallRule rule : rules) {
    rule.names = taken;
    profile.rules.push_back(std::move(rule));
  }
}

SeccompProfile profile_of(std::string_view json) {
  if (!json.empty()) return parse_seccomp(base::JsonAt::parse(json, "the seccomp profile"));
  SeccompProfile profile = default_seccomp_profile(0);  // for its architectures
  profile.default_action = SECCOMP_RET_ALLOW;
  profile.rules.clear();
  return profile;
}

void emulate_ids(SeccompProfile& profile, const RootEmulation& emulation) {
  const std::vector<IdCalls> owners = {
      {{"chown", "chown32", "lchown", "lchown32", "fchown", "fchown32"}, {1}, {2}},
      {{"fchownat"}, {2}, {3}},
  };
  const std::vector<IdCalls> users = {
      {{"setuid", "setuid32"}, {0}, {}},
      {{"setreuid", "setreuid32"}, {0, 1}, {}},
      {{"setresuid", "setresuid32"}, {0, 1, 2}, {}},
  };
  const std::vector<IdCalls> groups = {
      {{"setgid", "setgid32"}, {}, {0}},
      {{"setregid", "setregid32"}, {}, {0, 1}},
      {{"setresgid", "setresgid32"}, {}, {0, 1, 2}},
  };
  const auto all = [&](const std::vector<IdCalls>& kinds) {
    for (const IdCalls& calls : kinds) emulate(profile, calls.names, rules_of(calls, emulation));
  };
  if (has(emulation, CAP_CHOWN)) all(owners);
  if (has(emulation, CAP_SETUID)) all(users);
  if (!has(emulation, CAP_SETGID)) return;
  all(groups);
  emulate(profile, {"setgroups", "setgroups32"}, {{{}, done, {}}});  // the ids are in memory, where no filter looks
}

}  // namespace

std::string with_root_emulation(std::string_view profile_json, const RootEmulation& emulation) {
  SeccompProfile profile = profile_of(profile_json);
  emulate_ids(profile, emulation);
  if (has(emulation, CAP_MKNOD)) {
    emulate(profile, {"mknod"}, rules_of_mknod(1, 2));
    emulate(profile, {"mknodat"}, rules_of_mknod(2, 3));
  }
  std::erase_if(profile.rules, [](const SyscallRule& rule) { return rule.names.empty(); });
  return write_seccomp(profile);
}

}  // namespace runtime
