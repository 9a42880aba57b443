#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "rootless/host_facts.hpp"

namespace rootless {

/// Which cgroup versions are mounted on /sys/fs/cgroup. Source: cgroups(7); systemd's three layouts.
CgroupMode detect_cgroup_mode();
/// "v2", "hybrid", "v1", "none".
std::string_view name_of(CgroupMode mode);

/// Our path in the unified hierarchy, from the text of /proc/self/cgroup ("0::/user.slice/…"); empty when there is
/// none.
std::string unified_path(std::string_view self_cgroup_text);

/// The cgroup v2 subtree that we may change.
struct Delegation {
  std::string path;                      ///< Below the cgroup root, "/user.slice/…"; empty: none.
  std::vector<std::string> controllers;  ///< Those that can be used in it.
  std::string why_none;                  ///< For the user, when path is empty.
};
/// The highest cgroup at or above our own that we may write, else the one of our systemd user manager.
Delegation find_delegation(const HostFacts& host);

}  // namespace rootless
