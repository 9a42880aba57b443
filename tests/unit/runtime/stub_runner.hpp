#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.hpp"
#include "base/process.hpp"
#include "runtime/stub/plan.h"
#include "runtime/stub_plan.hpp"

// Runs the real last stage as the user who runs the tests, with a plan that needs no privileges.

namespace runtime {

inline constexpr int child_plan_fd = 60, child_report_fd = 61, child_start_fd = 62, child_image_fd = 63;

/// What the stage did: its exit, its report if it failed, and the program's output.
struct StageResult {
  base::ExitStatus status;
  std::optional<stage_report> report;
  std::string out;
};

/// argv run under our own ids, with all capabilities left alone that can be left alone.
StagePlan harmless_plan(std::vector<std::string> argv);

/// How the stub is executed: directly, or as root of a fresh user namespace.
enum class StageUser { ourselves, namespace_root };

/// `more_fds` are (ours, child's).
base::Child start_stage_with_bytes(const std::string& plan_bytes, std::vector<std::pair<int, int>> more_fds,
                                   std::vector<std::string> argv = {"engine-stage", "60"},
                                   StageUser user = StageUser::ourselves);
StageResult run_stage(StagePlan plan, std::vector<std::pair<int, int>> more_fds = {},
                      StageUser user = StageUser::ourselves);
inline StageResult run_stage_as_root(const StagePlan& plan) {
  return run_stage(plan, {}, StageUser::namespace_root);
}

}  // namespace runtime
