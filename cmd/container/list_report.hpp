#pragma once

#include <string>
#include <utility>
#include <vector>

#include "engine/verbs.hpp"

namespace cmd {

/// What podman calls the namespaces of a process, and /proc/PID/ns.
inline constexpr std::pair<const char*, const char*> namespace_fields[] = {
    {"MNT", "mnt"}, {"Cgroup", "cgroup"}, {"IPC", "ipc"},         {"NET", "net"},    {"PIDNS", "pid"},
    {"UTS", "uts"}, {"User", "user"},     {"CGROUPNS", "cgroup"}, {"USERNS", "user"}};

/// Prints containers by a template. @param sizes  Of each, as shown; or empty. @param whole  Ids and commands are not
/// shortened.
void print_containers(const std::vector<engine::ContainerSummary>& containers, const std::vector<std::string>& sizes,
                      const std::string& format, bool whole, bool with_headings);

}  // namespace cmd
