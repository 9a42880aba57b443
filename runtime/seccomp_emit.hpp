#pragma once

#include <linux/filter.h>
#include <vector>

#include "runtime/seccomp_rules.hpp"

namespace runtime {

/// The profile as a BPF program: a branch by architecture, a binary search over the numbers, then argument tests.
/// For one system call, rules with arguments are tried first, in their order, then the first rule without; a call of an
/// architecture that the profile does not name kills the process.
/// @throws Error unsupported, when it has more than BPF_MAXINSNS instructions.
std::vector<sock_filter> emit_seccomp(const SeccompProfile& profile);

}  // namespace runtime
