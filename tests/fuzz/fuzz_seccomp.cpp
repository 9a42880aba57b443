#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>
#include <linux/seccomp.h>
#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/json.hpp"
#include "runtime/seccomp.hpp"
#include "runtime/seccomp_emit.hpp"
#include "runtime/seccomp_names.hpp"
#include "runtime/seccomp_rules.hpp"
#include "tests/unit/runtime/bpf_interpreter.hpp"

// Any bytes are a profile, of either format: reading ends with an Error or with a program that the kernel takes and
// that decides as the profile's rules say, read in the plainest way.

namespace {

using runtime::ArgumentRule;
using runtime::ArgumentTest;
using runtime::SeccompProfile;
using runtime::SyscallRule;
using Arguments = std::array<std::uint64_t, 6>;

/// What the kernel checks (bpf_check_classic): every jump ends inside, and the last instruction answers.
bool is_well_formed(const std::vector<sock_filter>& program) {
  if (program.empty() || program.size() > BPF_MAXINSNS || program.back().code != (BPF_RET | BPF_K)) return false;
  for (std::size_t at = 0; at < program.size(); ++at) {
    const sock_filter& step = program[at];
    if (BPF_CLASS(step.code) != BPF_JMP) continue;
    const std::size_t left = program.size() - at - 1;
    if (step.code == (BPF_JMP | BPF_JA) ? step.k >= left : std::max(step.jt, step.jf) >= left) return false;
  }
  return true;
}

bool holds(const ArgumentRule& rule, std::uint64_t argument) {
  switch (rule.test) {
    case ArgumentTest::equal:
      return argument == rule.value;
    case ArgumentTest::not_equal:
      return argument != rule.value;
    case ArgumentTest::less:
      return argument < rule.value;
    case ArgumentTest::less_or_equal:
      return argument <= rule.value;
    case ArgumentTest::greater_or_equal:
      return argument >= rule.value;
    case ArgumentTest::greater:
      return argument > rule.value;
    default:
      return (argument & rule.value) == (rule.value_two & rule.value);
  }
}

/// Nothing when no rule is about that call. Rules are compared by number: some calls have two names.
std::optional<std::uint32_t> plain_verdict(const SeccompProfile& profile, std::uint32_t number,
                                           const Arguments& arguments) {
  bool is_named = false;
  for (const bool with_arguments : {false, true})
    for (const SyscallRule& rule : profile.rules) {
      const bool names_it = std::any_of(rule.names.begin(), rule.names.end(), [&](const std::string& name) {
        return runtime::syscall_number(runtime::native_architecture(), name) == number;
      });
      is_named = is_named || names_it;
      if (!names_it || rule.arguments.empty() == with_arguments || rule.action == profile.default_action) continue;
      if (std::all_of(rule.arguments.begin(), rule.arguments.end(),
                      [&](const ArgumentRule& one) { return holds(one, arguments[one.index]); }))
        return rule.action;
    }
  return is_named ? std::optional{profile.default_action} : std::nullopt;
}

void compare(const SeccompProfile& profile, const std::vector<sock_filter>& program, std::uint32_t number,
             const Arguments& arguments) {
  seccomp_data data{};
  data.nr = static_cast<int>(number);
  data.arch = runtime::native_architecture().audit;
  std::copy(arguments.begin(), arguments.end(), data.args);
  const std::optional<std::uint32_t> expected = plain_verdict(profile, number, arguments);
  if (expected && runtime::run_filter(program, data) != expected) std::abort();
}

/// The first rules, with arguments around the values that they name.
void check(const SeccompProfile& profile, const std::vector<sock_filter>& program) {
  constexpr std::size_t enough = 20;
  if (profile.rules.size() > 4 * enough) return;
  for (std::size_t index = 0; index < std::min(profile.rules.size(), enough); ++index)
    for (const std::string& name : profile.rules[index].names) {
      const auto number = runtime::syscall_number(runtime::native_architecture(), name);
      if (!number) continue;
      compare(profile, program, *number, {});
      for (const ArgumentRule& argument : profile.rules[index].arguments)
        for (const std::uint64_t value : {argument.value - 1, argument.value, argument.value + 1, argument.value_two,
                                          argument.value ^ (std::uint64_t{1} << 32)}) {
          Arguments arguments{};
          arguments.fill(value);
          compare(profile, program, *number, arguments);
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  try {
    const std::string json = runtime::resolve_profile_json(bytes, {"CAP_CHOWN", "CAP_SYS_ADMIN"});
    const SeccompProfile profile = runtime::parse_seccomp(base::JsonAt::parse(json, "profile"));
    const std::vector<sock_filter> program = runtime::emit_seccomp(profile);
    if (!is_well_formed(program)) std::abort();
    check(profile, program);
    const std::string written = runtime::write_seccomp(profile);
    if (runtime::write_seccomp(runtime::parse_seccomp(base::JsonAt::parse(written, "profile"))) != written)
      std::abort();
  } catch (const base::Error&) {  // as it should be
  }
  return 0;
}
