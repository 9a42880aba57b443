#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/fd.hpp"
#include "base/lock.hpp"
#include "cmd/oci_state.hpp"

// Who may change a container's folder, and how. A folder appears under its id complete and locked, by one rename, and
// disappears by one rename; the lock is held for one change of state, never while a user's program runs. Names that
// begin with '~', which no id does, are folders that are not there yet or no more.

namespace cmd {

inline constexpr const char* state_file = "state.json";
inline constexpr const char* config_file = "config.json";
inline constexpr const char* start_fifo = "start";    ///< One byte lets the process run; gone once it does.
inline constexpr const char* report_fifo = "report";  ///< What the last stage reports to `start`.

/// A container that nobody else changes as long as this lives.
struct LockedContainer {
  OciContainer container;
  base::FileLock lock;
};

/// Makes the folder, with state.json, config.json and both FIFOs, and its lock held.
/// @throws Error already_exists.
LockedContainer make_oci_folder(const std::string& root, OciState state, std::string_view config);
/// Replaces state.json.
void save_oci_state(const OciContainer& container);

/// Waits until nobody else changes the container, but not for ever.
/// @throws Error not_found, when it does not exist (any more); in_use, when its maker or another takes too long.
LockedContainer lock_oci_container(const std::string& root, const std::string& id);
/// As above, but waits at most `limit`: nothing then.
std::optional<LockedContainer> lock_oci_container_for(const std::string& root, const std::string& id,
                                                      std::chrono::milliseconds limit);

/// Takes the folder away, and what killed processes have left of others.
void remove_oci_folder(const std::string& root, LockedContainer locked);

/// Takes a folder away whose state.json cannot be read. A process that waits for `start` is ended; another is unknown.
/// Nothing happens when there is no such folder, or when it can be read meanwhile.
/// @throws Error in_use, when somebody else changes the container for longer than `limit`.
void remove_damaged_folder(const std::string& root, const std::string& id, std::chrono::milliseconds limit);

/// Takes away what killed processes have left: folders that were being made or removed, and are nobody's any more.
void sweep_oci_folders(int root);

/// For reading and writing: the open does not wait, and one end is there as long as the process is.
base::UniqueFd open_fifo(int dir, const char* name);
/// Whether a process stands before the exec of the user's program: it alone has the start FIFO open for reading.
bool waits_for_start(int dir);
/// Answers a process that waits for `start`. @return false when none does.
bool answer_start(int dir, char byte);
inline constexpr char start_byte = 's';  ///< Execute the program.
inline constexpr char end_byte = 'x';    ///< Give up.

}  // namespace cmd
