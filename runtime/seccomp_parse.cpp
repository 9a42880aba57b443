#include <algorithm>
#include <array>
#include <cerrno>
#include <linux/seccomp.h>
#include <optional>
#include <set>
#include <utility>

#include "base/error.hpp"
#include "runtime/seccomp_names.hpp"
#include "runtime/seccomp_rules.hpp"

namespace runtime {
namespace {

constexpr std::uint64_t max_errno = 4095;  // MAX_ERRNO of the kernel; larger ones are cut by it
constexpr unsigned argument_count = 6;
constexpr std::size_t max_rules = 20000;

constexpr std::array<std::pair<std::string_view, ArgumentTest>, 7> test_names = {{
    {"SCMP_CMP_EQ", ArgumentTest::equal},
    {"SCMP_CMP_NE", ArgumentTest::not_equal},
    {"SCMP_CMP_LT", ArgumentTest::less},
    {"SCMP_CMP_LE", ArgumentTest::less_or_equal},
    {"SCMP_CMP_GE", ArgumentTest::greater_or_equal},
    {"SCMP_CMP_GT", ArgumentTest::greater},
    {"SCMP_CMP_MASKED_EQ", ArgumentTest::masked_equal},
}};

constexpr std::array<std::pair<std::string_view, std::uint32_t>, 9> action_names = {{
    {"SCMP_ACT_ALLOW", SECCOMP_RET_ALLOW},
    {"SCMP_ACT_ERRNO", SECCOMP_RET_ERRNO},
    {"SCMP_ACT_KILL", SECCOMP_RET_KILL_THREAD},
    {"SCMP_ACT_KILL_THREAD", SECCOMP_RET_KILL_THREAD},
    {"SCMP_ACT_KILL_PROCESS", SECCOMP_RET_KILL_PROCESS},
    {"SCMP_ACT_TRAP", SECCOMP_RET_TRAP},
    {"SCMP_ACT_TRACE", SECCOMP_RET_TRACE},
    {"SCMP_ACT_LOG", SECCOMP_RET_LOG},
    {"SCMP_ACT_NOTIFY", SECCOMP_RET_USER_NOTIF},
}};

ArgumentRule parse_argument(const base::JsonAt& json) {
  ArgumentRule rule;
  const std::uint64_t index = json.at("index").unsigned_integer();
  if (index >= argument_count) throw json.at("index").error("is above 5");
  rule.index = static_cast<unsigned>(index);
  rule.value = json.at("value").unsigned_integer();
  rule.value_two = json.unsigned_or("valueTwo", 0);
  const std::string name = json.at("op").string();
  const auto* found =
      std::find_if(test_names.begin(), test_names.end(), [&](const auto& test) { return test.first == name; });
  if (found == test_names.end()) throw json.at("op").error("is not a comparison");
  rule.test = found->second;
  return rule;
}

bool tests_one_twice(const std::vector<ArgumentRule>& arguments) {
  std::set<unsigned> seen;
  return std::any_of(arguments.begin(), arguments.end(),
                     [&](const ArgumentRule& argument) { return !seen.insert(argument.index).second; });
}

constexpr std::array<std::pair<std::string_view, unsigned>, 4> flag_names = {{
    {"SECCOMP_FILTER_FLAG_TSYNC", 0},  // the last stage is one thread
    {"SECCOMP_FILTER_FLAG_LOG", SECCOMP_FILTER_FLAG_LOG},
    {"SECCOMP_FILTER_FLAG_SPEC_ALLOW", SECCOMP_FILTER_FLAG_SPEC_ALLOW},
    {"SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV},
}};

unsigned parse_flag(const base::JsonAt& json) {
  const std::string name = json.string();
  for (const auto& [known, flag] : flag_names)
    if (known == name) return flag;
  throw json.error("is not a flag of seccomp");
}

bool notifies(const SeccompProfile& profile) {
  return std::any_of(profile.rules.begin(), profile.rules.end(),
                     [](const SyscallRule& rule) { return rule.action == SECCOMP_RET_USER_NOTIF; });
}

/// The last stage would wait for an answer to these before the agent has been given the means to answer. runc needs
/// write(2) for that, we sendmsg(2); a profile that works must work with both.
void check_agent_can_be_told(const base::JsonAt& json, const SyscallRule& rule) {
  if (rule.action != SECCOMP_RET_USER_NOTIF) return;
  for (const std::string& name : rule.names)
    if (name == "write" || name == "sendmsg")
      throw json.error(base::concat("has SCMP_ACT_NOTIFY, which cannot be used for ", name));
}

}  // namespace

std::uint32_t parse_seccomp_action(const base::JsonAt& json, std::string_view action_key, std::string_view errno_key) {
  const base::JsonAt action = json.at(action_key);
  const std::string name = action.string();
  const std::uint64_t code = json.unsigned_or(errno_key, EPERM);
  if (code > max_errno) throw json.at(errno_key).error("is not an errno");
  const auto* found =
      std::find_if(action_names.begin(), action_names.end(), [&](const auto& known) { return known.first == name; });
  if (found == action_names.end()) throw action.error("is not a seccomp action");
  if (found->second == SECCOMP_RET_ERRNO || found->second == SECCOMP_RET_TRACE)
    return found->second | static_cast<std::uint32_t>(code);
  if (json.has(errno_key)) throw json.at(errno_key).error(base::concat("is an errno, and ", name, " has none"));
  return found->second;
}

std::vector<SyscallRule> parse_syscall_rules(const base::JsonAt& json) {
  SyscallRule rule;
  rule.names = json.at("names").strings();
  if (rule.names.empty()) throw json.at("names").error("is empty");
  rule.action = parse_seccomp_action(json, "action", "errnoRet");
  check_agent_can_be_told(json, rule);
  if (const std::optional<base::JsonAt> arguments = json.find("args"))
    for (const base::JsonAt& argument : arguments->array()) rule.arguments.push_back(parse_argument(argument));
  if (!tests_one_twice(rule.arguments)) return {std::move(rule)};
  std::vector<SyscallRule> rules;
  for (const ArgumentRule& argument : rule.arguments) rules.push_back({rule.names, rule.action, {argument}});
  return rules;
}

void parse_seccomp_flags(const base::JsonAt& json, SeccompProfile& profile) {
  if (const std::optional<base::JsonAt> flags = json.find("flags"))
    for (const base::JsonAt& flag : flags->array()) profile.flags |= parse_flag(flag);
  const std::string path = json.string_or("listenerPath", "");
  const std::string metadata = json.string_or("listenerMetadata", "");
  if (path.empty() && !metadata.empty()) throw json.at("listenerMetadata").error("needs a listenerPath");
  if (!notifies(profile)) {
    // Without a listener the kernel refuses the flag, and the path means nothing.
    profile.flags &= ~static_cast<unsigned>(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV);
    return;
  }
  if (path.empty()) throw json.error("uses SCMP_ACT_NOTIFY without a listenerPath");
  profile.flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
  profile.listener_path = path;
  profile.listener_metadata = metadata;
}

SeccompProfile parse_seccomp(const base::JsonAt& json) {
  SeccompProfile profile;
  profile.default_action = parse_seccomp_action(json, "defaultAction", "defaultErrnoRet");
  if (profile.default_action == SECCOMP_RET_USER_NOTIF)
    throw json.at("defaultAction").error("is SCMP_ACT_NOTIFY, which cannot be the default");
  profile.architectures = json.strings_or_empty("architectures");
  for (const std::string& name : profile.architectures)
    if (!is_architecture_name(name)) throw json.at("architectures").error(base::concat("names ", base::quoted(name)));
  if (const std::optional<base::JsonAt> rules = json.find("syscalls"))
    for (const base::JsonAt& rule : rules->array()) {
      for (SyscallRule& parsed : parse_syscall_rules(rule)) profile.rules.push_back(std::move(parsed));
      if (profile.rules.size() > max_rules) throw rules->error("has too many rules");
    }
  parse_seccomp_flags(json, profile);
  return profile;
}

}  // namespace runtime
