#pragma once

#include <optional>

#include "base/process.hpp"
#include "runtime/stage.hpp"

namespace runtime {

/// Executes the stub in a child, with all signals blocked until it resets them. Where the machine can, the clone works
/// on our memory while we stand still, as after vfork(2), so that nothing is copied for it.
/// @param cgroup  Folder of a version 2 cgroup that the child is born in; -1: ours.
/// @return  Nothing, when it cannot be born there; it can be tried without. @throws Error of clone(2). What fails in
/// the
///          child goes to the plan's report descriptor.
std::optional<base::Child> spawn_stage(const PreparedStage& stage, int cgroup);

}  // namespace runtime
