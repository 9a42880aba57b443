#pragma once

#include <string>
#include <vector>

#include "base/fd.hpp"
#include "engine/launch.hpp"
#include "engine/watch.hpp"
#include "runtime/monitor_plan.hpp"

namespace engine {

/// Has the monitor of a running container execute `engine _cleanup` at its end, though it was started without need.
void ask_for_clean_up(const storage::ContainerDir& container);
/// Before that is done.
void forget_clean_up(const storage::ContainerDir& container);

/// Where the monitor puts the container's output, and whom it hears: opened before the container is started, so that
/// what fails is told.
struct MonitorFiles {
  base::UniqueFd log, log_directory, journal, notify;
  std::string log_name = "log";
};
/// @throws Error unsupported, when the journal is not there.
MonitorFiles open_monitor_files(const Launch& launch, const Watch& watch);

/// Where the monitor tells the end.
void add_events(runtime::MonitorPlan& plan, const Engine& engine, const storage::ContainerRecord& record);

/// Fills what a watch says of a plan: log, journal, notify socket, time limit, checks, and what follows the end.
void add_orders(runtime::MonitorPlan& plan, const Launch& launch, const Watch& watch, const MonitorFiles& files);

/// Log driver passthrough: our own three streams, copied. @throws Error invalid_argument for a terminal, which never
/// enters a container.
struct PassedStreams {
  base::UniqueFd in, out, err;
};
PassedStreams pass_streams();

/// Pure: the fields that every message of a container has in the journal. Source: podman-run(1), conmon by its output.
std::string journal_fields(const storage::ContainerRecord& record, const Watch& watch);

}  // namespace engine
