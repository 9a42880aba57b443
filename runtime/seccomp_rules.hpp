#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"

// A seccomp profile between its three forms: OCI JSON, our own table, and a BPF program.

namespace runtime {

/// How an argument is compared; all but masked_equal and low_half_is_none_of are unsigned 64-bit comparisons.
enum class ArgumentTest {
  equal,
  not_equal,
  less,
  less_or_equal,
  greater_or_equal,
  greater,
  masked_equal,        ///< (argument & value) == value_two
  low_half_is_none_of  ///< The low 32 bits, all that the kernel looks at for an int, are none of `none_of`. Only our
                       ///< own.
};

struct ArgumentRule {
  unsigned index = 0;  ///< 0 .. 5
  ArgumentTest test = ArgumentTest::equal;
  std::uint64_t value = 0;
  std::uint64_t value_two = 0;
  std::vector<std::uint32_t> none_of;
};

/// `action` is what seccomp(2) wants: SECCOMP_RET_x, with an errno in its low half for SECCOMP_RET_ERRNO and TRACE.
struct SyscallRule {
  std::vector<std::string> names;
  std::uint32_t action = 0;
  std::vector<ArgumentRule> arguments;  ///< All must hold.
};

struct SeccompProfile {
  std::uint32_t default_action = 0;
  std::vector<std::string> architectures;  ///< "SCMP_ARCH_X86_64"; empty: the native one.
  unsigned flags = 0;                      ///< SECCOMP_FILTER_FLAG_x; NEW_LISTENER when some rule notifies.
  std::string listener_path;               ///< Of the agent; empty unless some rule notifies.
  std::string listener_metadata;
  std::vector<SyscallRule> rules;
};

/// Reads `linux.seccomp` of the runtime-spec. @throws Error corrupt. As with runc, SCMP_ACT_NOTIFY is refused as the
/// default and for what the last stage needs to reach the agent.
SeccompProfile parse_seccomp(const base::JsonAt& json);
/// "flags", "listenerPath" and "listenerMetadata", once the rules are known.
void parse_seccomp_flags(const base::JsonAt& json, SeccompProfile& profile);
/// One element of "syscalls" whose names are under "names". A rule that tests the same argument twice means "either",
/// as runc has it, and becomes several rules.
std::vector<SyscallRule> parse_syscall_rules(const base::JsonAt& json);
/// "SCMP_ACT_ERRNO" and its errno to SECCOMP_RET_ERRNO | errno; EPERM when `errno_key` is absent in `json`. An errno
/// with an action that has none is an error (config-linux.md "Seccomp").
std::uint32_t parse_seccomp_action(const base::JsonAt& json, std::string_view action_key, std::string_view errno_key);

/// Compact JSON of `linux.seccomp`. low_half_is_none_of is written as rules that libseccomp's runtimes understand.
std::string write_seccomp(const SeccompProfile& profile);

/// Our default profile for a container with these capability bits.
SeccompProfile default_seccomp_profile(std::uint64_t capabilities);
/// Those bits that make a difference to it.
std::uint64_t seccomp_relevant_capabilities() noexcept;

}  // namespace runtime
