#include <algorithm>
#include <iterator>
#include <linux/seccomp.h>

#include "base/json_writer.hpp"
#include "runtime/seccomp_rules.hpp"

namespace runtime {
namespace {

struct ActionName {
  std::string_view name;
  bool has_errno;
};

ActionName name_of(std::uint32_t action) {
  switch (action & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
      return {"SCMP_ACT_ALLOW", false};
    case SECCOMP_RET_ERRNO:
      return {"SCMP_ACT_ERRNO", true};
    case SECCOMP_RET_KILL_PROCESS:
      return {"SCMP_ACT_KILL_PROCESS", false};
    case SECCOMP_RET_TRAP:
      return {"SCMP_ACT_TRAP", false};
    case SECCOMP_RET_TRACE:
      return {"SCMP_ACT_TRACE", true};
    case SECCOMP_RET_LOG:
      return {"SCMP_ACT_LOG", false};
    case SECCOMP_RET_USER_NOTIF:
      return {"SCMP_ACT_NOTIFY", false};
    default:
      return {"SCMP_ACT_KILL_THREAD", false};
  }
}

std::string_view name_of(ArgumentTest test) {
  switch (test) {
    case ArgumentTest::equal:
      return "SCMP_CMP_EQ";
    case ArgumentTest::not_equal:
      return "SCMP_CMP_NE";
    case ArgumentTest::less:
      return "SCMP_CMP_LT";
    case ArgumentTest::less_or_equal:
      return "SCMP_CMP_LE";
    case ArgumentTest::greater_or_equal:
      return "SCMP_CMP_GE";
    case ArgumentTest::greater:
      return "SCMP_CMP_GT";
    default:
      return "SCMP_CMP_MASKED_EQ";
  }
}

void write_action(base::JsonWriter& json, std::string_view action_key, std::string_view errno_key,
                  std::uint32_t action) {
  const ActionName name = name_of(action);
  json.member(action_key, name.name);
  if (name.has_errno) json.member(errno_key, std::uint64_t{action & SECCOMP_RET_DATA});
}

void write_rule(base::JsonWriter& json, const SyscallRule& rule) {
  json.begin_object().member("names", rule.names);
  write_action(json, "action", "errnoRet", rule.action);
  if (!rule.arguments.empty()) {
    json.key("args").begin_array();
    for (const ArgumentRule& argument : rule.arguments) {
      json.begin_object().member("index", std::uint64_t{argument.index}).member("value", argument.value);
      if (argument.test == ArgumentTest::masked_equal) json.member("valueTwo", argument.value_two);
      json.member("op", name_of(argument.test)).end_object();
    }
    json.end_array();
  }
  json.end_object();
}

/// All 32-bit numbers but `excluded`, as (mask, value) pairs: walks down the bits and takes each half that holds none
/// of them. libseccomp has no masked inequality.
void split_around(const std::vector<std::uint32_t>& excluded, std::uint32_t mask, std::uint32_t value, unsigned bit,
                  std::vector<ArgumentRule>& out) {
  std::vector<std::uint32_t> inside;
  std::copy_if(excluded.begin(), excluded.end(), std::back_inserter(inside),
               [&](std::uint32_t number) { return (number & mask) == value; });
  if (inside.empty()) {
    ArgumentRule rule;
    rule.test = ArgumentTest::masked_equal;
    rule.value = mask;
    rule.value_two = value;
    out.push_back(rule);
    return;
  }
  if (bit == 0) return;
  const std::uint32_t next = std::uint32_t{1} << (bit - 1);
  split_around(inside, mask | next, value | next, bit - 1, out);
  split_around(inside, mask | next, value, bit - 1, out);
}

/// At most one argument of a rule has the test that only we know.
void write_expanded(base::JsonWriter& json, const SyscallRule& rule) {
  const auto special = std::find_if(rule.arguments.begin(), rule.arguments.end(), [](const ArgumentRule& argument) {
    return argument.test == ArgumentTest::low_half_is_none_of;
  });
  if (special == rule.arguments.end()) return write_rule(json, rule);
  std::vector<ArgumentRule> pieces;
  split_around(special->none_of, 0, 0, 32, pieces);
  for (ArgumentRule& piece : pieces) {
    SyscallRule one = rule;
    piece.index = special->index;
    one.arguments[static_cast<std::size_t>(special - rule.arguments.begin())] = piece;
    write_rule(json, one);
  }
}

}  // namespace

std::string write_seccomp(const SeccompProfile& profile) {
  base::JsonWriter json;
  json.begin_object();
  write_action(json, "defaultAction", "defaultErrnoRet", profile.default_action);
  if (!profile.architectures.empty()) json.member("architectures", profile.architectures);
  std::vector<std::string> flags;
  if ((profile.flags & SECCOMP_FILTER_FLAG_LOG) != 0) flags.emplace_back("SECCOMP_FILTER_FLAG_LOG");
  if ((profile.flags & SECCOMP_FILTER_FLAG_SPEC_ALLOW) != 0) flags.emplace_back("SECCOMP_FILTER_FLAG_SPEC_ALLOW");
  if ((profile.flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) != 0)
    flags.emplace_back("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV");
  if (!flags.empty()) json.member("flags", flags);
  if (!profile.listener_path.empty()) json.member("listenerPath", profile.listener_path);
  if (!profile.listener_metadata.empty()) json.member("listenerMetadata", profile.listener_metadata);
  json.key("syscalls").begin_array();
  for (const SyscallRule& rule : profile.rules) write_expanded(json, rule);
  json.end_array().end_object();
  return json.take();
}

}  // namespace runtime
