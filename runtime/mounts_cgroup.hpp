#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/fd.hpp"
#include "runtime/plan.hpp"

namespace runtime {

/// One mounted cgroup hierarchy of the host and our place in it.
struct Hierarchy {
  std::string name;         ///< Last component of its mount point: "cpu,cpuacct", "systemd", "unified".
  std::string place;        ///< Its mount point.
  std::string root;         ///< What of the hierarchy is mounted there.
  std::string own;          ///< Our cgroup, from the top of the hierarchy.
  std::string controllers;  ///< As in /proc/self/cgroup: "cpu,cpuacct", "name=systemd"; empty for version 2.
};

/// Pure: the hierarchies of version 1 and 2 that both files know. Sources: cgroups(7), proc_pid_mountinfo(5).
std::vector<Hierarchy> parse_hierarchies(std::string_view mountinfo, std::string_view proc_self_cgroup);

/// Whether /sys/fs/cgroup is version 2 and nothing else.
bool host_has_only_cgroup2();

/// Version 1: the tmpfs that the hierarchies are mounted in.
base::UniqueFd make_cgroup1_top();
/// Mounts them in it, with links for controllers that share a hierarchy, and makes it read-only where `step` says so:
/// fresh ones, which show our cgroup as their top, where the kernel lets us; else our own cgroup of the host's.
void populate_cgroup1(int top, const MountStep& step, const NamespacePlan& namespaces);

}  // namespace runtime
