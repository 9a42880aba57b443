#include <algorithm>
#include <array>
#include <cerrno>
#include <linux/seccomp.h>
#include <optional>
#include <set>
#include <utility>

#include "base/error.hpp"
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

unsigned parse_flags(const base::JsonAt& json) {
  unsigned flags = 0;
  for (const base::JsonAt& flag : json.array()) {
    const std::string name = flag.string();
    if (name == "SECCOMP_FILTER_FLAG_LOG")
      flags |= SECCOMP_FILTER_FLAG_LOG;
    else if (name == "SECCOMP_FILTER_FLAG_SPEC_ALLOW")
      flags |= SECCOMP_FILTER_FLAG_SPEC_ALLOW;
    // One thread only, and no listener: these two change nothing.
    else if (name != "SECCOMP_FILTER_FLAG_TSYNC" && name != "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV")
      throw flag.error("is not a flag of seccomp");
  }
  return flags;
}

}  // namespace

std::uint32_t parse_seccomp_action(const base::JsonAt& json, std::string_view action_key, std::string_view errno_key) {
  const base::JsonAt action = json.at(action_key);
  const std::string name = action.string();
  const std::uint64_t code = json.unsigned_or(errno_key, EPERM);
  if (code > max_errno) throw json.at(errno_key).error("is not an errno");
  const auto data = static_cast<std::uint32_t>(code);
  if (name == "SCMP_ACT_ALLOW") return SECCOMP_RET_ALLOW;
  if (name == "SCMP_ACT_ERRNO") return SECCOMP_RET_ERRNO | data;
  if (name == "SCMP_ACT_KILL" || name == "SCMP_ACT_KILL_THREAD") return SECCOMP_RET_KILL_THREAD;
  if (name == "SCMP_ACT_KILL_PROCESS") return SECCOMP_RET_KILL_PROCESS;
  if (name == "SCMP_ACT_TRAP") return SECCOMP_RET_TRAP;
  if (name == "SCMP_ACT_TRACE") return SECCOMP_RET_TRACE | data;
  if (name == "SCMP_ACT_LOG") return SECCOMP_RET_LOG;
  if (name == "SCMP_ACT_NOTIFY")
    throw base::Error{base::ErrorKind::unsupported, "the seccomp profile uses SCMP_ACT_NOTIFY, which is not supported",
                      "use a profile without it, or --security-opt seccomp=unconfined"};
  throw action.error("is not a seccomp action");
}

std::vector<SyscallRule> parse_syscall_rules(const base::JsonAt& json) {
  SyscallRule rule;
  rule.names = json.at("names").strings();
  rule.action = parse_seccomp_action(json, "action", "errnoRet");
  if (const std::optional<base::JsonAt> arguments = json.find("args"))
    for (const base::JsonAt& argument : arguments->array()) rule.arguments.push_back(parse_argument(argument));
  if (!tests_one_twice(rule.arguments)) return {std::move(rule)};
  std::vector<SyscallRule> rules;
  for (const ArgumentRule& argument : rule.arguments) rules.push_back({rule.names, rule.action, {argument}});
  return rules;
}

SeccompProfile parse_seccomp(const base::JsonAt& json) {
  SeccompProfile profile;
  profile.default_action = parse_seccomp_action(json, "defaultAction", "defaultErrnoRet");
  profile.architectures = json.strings_or_empty("architectures");
  if (const std::optional<base::JsonAt> flags = json.find("flags")) profile.flags = parse_flags(*flags);
  if (const std::optional<base::JsonAt> rules = json.find("syscalls"))
    for (const base::JsonAt& rule : rules->array()) {
      for (SyscallRule& parsed : parse_syscall_rules(rule)) profile.rules.push_back(std::move(parsed));
      if (profile.rules.size() > max_rules) throw rules->error("has too many rules");
    }
  return profile;
}

}  // namespace runtime
