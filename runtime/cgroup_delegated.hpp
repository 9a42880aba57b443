#pragma once

#include <optional>
#include <string>
#include <sys/types.h>

namespace runtime {

/// Makes cgroup `name` of version 2 below a container's, moves all processes of that to it, and then has that give it
/// its controllers. The container manages what is in there by itself; limits stay where it cannot reach them.
/// @param folder  O_PATH of the container's cgroup, which lies at `path`.
/// @param owner   Who shall own it; nothing: we.
/// @throws Error  unless rootless and refused, which is a warning.
/// Source: "run.oci.delegate-cgroup" of crun(1), cgroups(7) "Cgroups v2 delegation".
void delegate_below(int folder, const std::string& path, const std::string& name, std::optional<uid_t> owner,
                    bool is_rootless);

/// Makes cgroup `name` below that of a scope, and moves its first process there, so that the scope may give controllers
/// to others. Source: "run.oci.systemd.subgroup" of crun(1).
void enter_subgroup(const std::string& scope_folder, const std::string& name, pid_t pid);

}  // namespace runtime
