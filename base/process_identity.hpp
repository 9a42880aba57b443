#pragma once

#include <cstdint>
#include <optional>
#include <sys/types.h>

#include "base/fd.hpp"

namespace base {

/// Tells a process from a later one that has got the same number.
struct ProcessIdentity {
  pid_t pid = 0;                 ///< In our pid namespace; 0: no process.
  std::uint64_t start_time = 0;  ///< Field 22 of proc(5)'s stat, in clock ticks since boot.
  /// Of its pidfd: never given twice since boot, while a clock tick is long enough for two processes. The same for all
  /// before Linux 6.9; 0: not known.
  std::uint64_t inode = 0;

  bool operator==(const ProcessIdentity&) const = default;
};

/// Nothing when there is no such process (zombies count as none).
std::optional<ProcessIdentity> identify_process(pid_t pid);
/// The same of one that may have ended: then its number alone, which no process will match.
ProcessIdentity identify_or_none(pid_t pid);
/// A pidfd of exactly that process; empty when it is gone or the number was reused.
UniqueFd open_process(const ProcessIdentity& process);

}  // namespace base
