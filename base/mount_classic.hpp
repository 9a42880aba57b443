#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.hpp"

// What base/mount.cpp does where the kernel, or a filter that we live under, has no open_tree(2), move_mount(2),
// fsopen(2) or mount_setattr(2). A "detached" mount is then one in a tmpfs of ours on /proc/fs, a place that exists on
// every kernel and that nobody needs; moving it from there is attaching it. Only for processes that have a mount
// namespace of their own, whose mounts are not shared: they never see that tmpfs again after pivot_root.

namespace base::classic {

/// mount(MS_BIND) of `at`/`path`, as base::clone_tree.
UniqueFd bind(int at, const std::string& path, bool recursive);
/// mount(2) with options as fsconfig(2) takes them; a flag has an empty value.
UniqueFd make(const std::string& type, const std::vector<std::pair<std::string, std::string>>& options,
              std::uint64_t attributes);
/// mount(MS_MOVE).
void move(int mount, int target);
/// mount(MS_REMOUNT | MS_BIND) of an attached mount and, if recursive, of all below it, one by one.
void set_attributes(int mount, std::uint64_t set, std::uint64_t clear, bool recursive);
void set_propagation(int mount, std::uint64_t propagation, bool recursive);

/// A line of mountinfo as far as it matters here. Source: proc_pid_mountinfo(5).
struct MountLine {
  std::uint64_t id = 0, parent = 0;
  std::string place;  ///< With the kernel's \040 and its like undone.
};
std::vector<MountLine> parse_mountinfo(std::string_view text);
/// Those below the mount `id`, each after its parent, the mount itself first; empty when there is no such mount.
std::vector<MountLine> subtree_of(const std::vector<MountLine>& mounts, std::uint64_t id);

}  // namespace base::classic
