#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/seccomp.hpp"
#include "runtime/spec.hpp"
#include "runtime/stub_plan.hpp"

namespace runtime {

/// The stub's orders for a process, without descriptors. Pure.
StagePlan plan_stage(const Process& process, const SeccompFilter& seccomp, bool may_set_groups);

/// The parts of the plan that config.json has under "linux": personality and memory policy. Pure.
void add_linux_attributes(const Linux& linux, StagePlan& plan);

/// `spec.hooks.start_container` for the plan; `state` is hook_state(…, "created") with the pid as the container sees
/// it.
void add_start_hooks(const std::vector<Hook>& hooks, std::string state, StagePlan& plan);

/// Signals that this process ignores, bit n-1 for signal n: what an exec passes on. For StagePlan::ignored_signals,
/// asked while there is nothing else to do.
std::uint64_t ignored_signals() noexcept;

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
  int seccomp_agent = -1;  ///< connect_seccomp_agent()
};

/// Puts every descriptor in its place and executes the stub. A failure goes to the report descriptor, as the stub's own
/// do, since init has said "created" already; then the process ends.
[[noreturn]] void enter_stage(const StagePlan& plan, const StageDescriptors& descriptors) noexcept;

}  // namespace runtime
