#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace runtime {

/// One mounted cgroup hierarchy.
struct Hierarchy {
  std::string mount_point;               ///< "/sys/fs/cgroup/memory"
  std::vector<std::string> controllers;  ///< v1: {"cpu", "cpuacct"} or {"name=systemd"}; v2: empty.
  std::string own_path;                  ///< Of this process below the mount point; "/" also when it lies outside.
  std::uint64_t mount_id = 0;            ///< Of mountinfo.
};

struct Hierarchies {
  std::optional<Hierarchy> unified;
  std::vector<Hierarchy> legacy;
};

/// Pure: what the texts of /proc/self/mountinfo and /proc/self/cgroup say. A hierarchy that is mounted several times
/// counts once, a mount of its root before others. Source: proc(5), cgroups(7).
Hierarchies parse_hierarchies(std::string_view mountinfo, std::string_view self_cgroup);

/// Those of this process whose mounts can be reached, which mounts on top of them may prevent.
Hierarchies find_hierarchies();

/// Pure: where a container's cgroups lie below each mount, "/a/b". An absolute cgroupsPath is meant from the mount on,
/// a relative one from `base`, and an empty one is the container's id as a relative one.
/// @throws Error invalid_argument for "..", control bytes, and paths that are too long or name the base.
std::string choose_cgroup_path(std::string_view cgroups_path, std::string_view container_id, std::string_view base);

}  // namespace runtime
