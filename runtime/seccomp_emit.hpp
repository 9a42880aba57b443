#pragma once

#include <linux/filter.h>
#include <vector>

#include "runtime/seccomp_rules.hpp"

namespace runtime {

/// The profile as a BPF program: a branch by architecture, a binary search over the numbers, then argument tests.
/// As with libseccomp, the first rule without arguments is all there is for its system call, wherever it stands, and a
/// rule for the default action says nothing. Other rules are tried in their order, where libseccomp has one of its own
/// for those that overlap. A call of an architecture that the profile does not name kills the process.
/// @throws Error unsupported, when it has more than BPF_MAXINSNS instructions.
std::vector<sock_filter> emit_seccomp(const SeccompProfile& profile);

}  // namespace runtime
