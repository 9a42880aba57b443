#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "base/fd.hpp"
#include "storage/containers.hpp"

namespace engine {

/// What a container really does, after comparing its recorded state with the kernel: process identity (pid and start
/// time), boot id, the exit file that its monitor wrote, and whether somebody holds `alive`.
struct Observed {
  storage::ContainerState state;  ///< status is the truth now: created, initialized, running, paused, exited, removing.
  base::UniqueFd process;         ///< pidfd of init while it runs.
  bool monitored = false;         ///< A keeper or monitor lives.
  /// Its first process is there: it can be stopped and looked at.
  bool is_running() const { return static_cast<bool>(process); }
  /// Its program was executed.
  bool is_started() const { return is_running() && state.status != "initialized"; }
  bool is_paused() const { return state.status == "paused"; }
};

/// Whether a container with this recorded state may have a process.
bool may_run(const storage::ContainerState& state);

/// Reads only; takes no lock. A running container whose process is gone is "exited", with the status of the exit file,
/// or 255 when nobody recorded one (kill -9 of the monitor, power loss).
Observed observe(const storage::ContainerDir& container, const std::string& boot_id);
/// As above, of a state that was just read; who watches it is not asked, and `monitored` is false.
Observed observe_process(const storage::ContainerDir& container, const std::string& boot_id,
                         storage::ContainerState state);

/// The record; where it is damaged, one that holds nothing but the id: enough to stop and to remove the container.
/// @throws Error not_found, when the container was removed.
storage::ContainerRecord record_or_id(const storage::ContainerDir& container);

/// Sends a signal to the container's init by pidfd. False when it is not running.
bool signal_container(const Observed& container, int signal);

/// Waits until init ended; false when `limit` passed first. Nothing: no limit.
bool wait_for_end(const Observed& container, std::optional<std::chrono::milliseconds> limit);

/// Waits until the container's keeper or monitor let go of it, at most a few seconds (it writes a file and exits).
void wait_until_unwatched(const storage::ContainerDir& container);

/// As above, and for a --rm container also until it is gone, so that its name is free when a command returns.
void wait_until_settled(const storage::Store& store, const storage::ContainerDir& container, bool auto_remove);

/// Takes `alive`, with patience for a monitor that is on its way out. Nothing: the container runs.
std::optional<base::FileLock> take_alive(const storage::ContainerDir& container, const std::string& boot_id);

}  // namespace engine
