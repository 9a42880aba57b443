#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "base/fd.hpp"

// What is done to one cgroup folder of either version, by descriptor. Everything is bounded in time and size.

namespace runtime {

using CgroupDeadline = std::chrono::steady_clock::time_point;

/// O_PATH of a folder that really is a cgroup; empty when it is absent. @throws Error corrupt, when it is no cgroup.
base::UniqueFd try_open_cgroup(const std::string& path);

/// @throws Error when the kernel does not tell.
std::uint64_t inode_of_cgroup(int folder);
/// Whether `path` is a folder with another inode number.
bool is_other_cgroup(const std::string& path, std::uint64_t inode);

/// A whole control file; nothing when the kernel has none, or may not tell.
std::optional<std::string> try_read_control(int folder, const std::string& file);
/// A file that holds one number; nothing also for "max" and what is no number.
std::optional<std::uint64_t> try_read_control_number(int folder, const std::string& file);
/// Value of "key value" lines; nothing when there is no such key. Pure.
std::optional<std::uint64_t> value_in(std::string_view text, std::string_view key);
/// One write(2); 0 or errno.
int write_control(int folder, const std::string& file, std::string_view value);

/// Of this cgroup and those below, sorted, each once. Processes of other pid namespaces are left out.
std::vector<pid_t> processes_below(int folder);
/// Whether any process is in it or below; v2 asks cgroup.events, v1 looks.
bool is_populated(int folder);

/// v2: waits until cgroup.events says `key value`. False when the time is over. Absence of the folder is true.
bool wait_for_cgroup_event(int folder, std::string_view key, std::uint64_t value, CgroupDeadline deadline);

/// Removes the cgroups below this one that hold no processes; those that do stay.
void remove_cgroups_below(int folder);
/// Removes a cgroup with those below, waiting until `deadline` for processes that are ending. Absence is fine.
/// @throws Error in_use, when processes are left.
void remove_cgroup(const std::string& path, CgroupDeadline deadline);

/// Moves a process to where the oldest process below is, for a cgroup that gives controllers to those below it, and so
/// takes none itself. 0 or errno; EBUSY, when there is no process.
int join_oldest_below(int folder, pid_t pid);

/// Signals every process in it or below once, each by pidfd and only while it is a member.
/// @return  How many there were.
std::size_t signal_processes_below(int folder, int signal);

}  // namespace runtime
