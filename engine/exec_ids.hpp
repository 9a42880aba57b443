#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "storage/containers.hpp"

// Processes of `exec` while they run, for `inspect`: a file each in the container's folder, which has the process. One
// whose command or monitor was killed goes with the next look.

namespace engine {

/// The name of its file.
std::string exec_file(const std::string& id);

/// @param id  64 hexadecimal digits.
void note_exec(const storage::ContainerDir& container, const std::string& id, pid_t pid);
void forget_exec(const storage::ContainerDir& container, const std::string& id) noexcept;

/// Ids of those that run, sorted.
std::vector<std::string> running_execs(const storage::ContainerDir& container);

}  // namespace engine
