#pragma once

#include <string>
#include <vector>

#include "runtime/seccomp.hpp"
#include "runtime/spec.hpp"
#include "runtime/stub_plan.hpp"

namespace runtime {

/// The stub's orders for a process, without descriptors. Pure.
StagePlan plan_stage(const Process& process, const SeccompFilter& seccomp, bool may_set_groups);

/// $PATH among "NAME=value" words; the usual one when there is none.
std::string search_path_of(const std::vector<std::string>& env);

/// Descriptors of this process, all borrowed; -1: none.
struct StageDescriptors {
  int stdin_fd = -1, stdout_fd = -1, stderr_fd = -1;
  std::vector<int> preserved;  ///< Become 3, 4, …
  int executable = -1;
  int report = -1;
  int start = -1;
  int label = -1;
};

/// Puts every descriptor in its place and executes the stub. A failure goes to the report descriptor, as the stub's own
/// do, since init has said "created" already; then the process ends.
[[noreturn]] void enter_stage(const StagePlan& plan, const StageDescriptors& descriptors) noexcept;

}  // namespace runtime
