#pragma once

#include "base/fd.hpp"
#include "runtime/plan.hpp"

namespace runtime {

/// Whether /sys/fs/cgroup is version 2 and nothing else.
bool host_has_only_cgroup2();

/// Version 1: the tmpfs that the hierarchies are mounted in.
base::UniqueFd make_cgroup1_top();
/// Mounts them in it, with links for controllers that share a hierarchy, and makes it read-only where `step` says so:
/// fresh ones, which show our cgroup as their top, where the kernel lets us; else our own cgroup of the host's.
void populate_cgroup1(int top, const MountStep& step, const NamespacePlan& namespaces);

}  // namespace runtime
