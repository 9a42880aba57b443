#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/fd.hpp"
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

/// Descriptors, all borrowed; -1: none.
struct StageDescriptors {
  int stdin_fd = -1, stdout_fd = -1, stderr_fd = -1;
  std::vector<int> preserved;  ///< Become 3, 4, …; -1: nothing does.
  int executable = -1;
  int report = -1;
  int start = -1;
  int label = -1;          ///< ExecLabel::folder
  int seccomp_agent = -1;  ///< connect_seccomp_agent()
  int join = -1;           ///< pidfd
};

/// A stub that is ready to be executed, by this process or by a clone of it.
class PreparedStage {
 public:
  /// Encodes the plan and takes copies of descriptors that are where the program's own will be.
  /// @throws Error for a plan that cannot be encoded, and for want of memory or descriptors.
  PreparedStage(const StagePlan& plan, const StageDescriptors& descriptors);

  /// Puts every descriptor in its place and executes the stub. A failure goes to the report descriptor, as the stub's
  /// own do; then the process ends. Allocates nothing, and changes none of our memory.
  [[noreturn]] void execute() const noexcept;

 private:
  int move_up(int fd);

  StagePlan plan_;
  std::vector<base::UniqueFd> moved_;
  std::vector<int> inherited_;  ///< Become 0, 1, 2, …
  int executable_ = -1, plan_fd_ = -1;
};

/// Both, for init: a failure of the first goes to the report descriptor, too, since init has said "created" already.
[[noreturn]] void enter_stage(const StagePlan& plan, const StageDescriptors& descriptors) noexcept;

}  // namespace runtime
