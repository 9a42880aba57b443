#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/fd.hpp"

namespace runtime {

/// Field 22 of /proc/PID/stat; nothing when there is no such process (zombies count as none).
std::optional<std::uint64_t> process_start_time(pid_t pid);
/// A pidfd of exactly that process; empty when it is gone or the number was reused.
base::UniqueFd open_process(pid_t pid, std::uint64_t start_time);

/// Same for a lookup of /proc/PID/ns/<type> etc.: verified afterwards that the process still is the one meant.

}  // namespace runtime
