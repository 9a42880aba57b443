#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "engine/context.hpp"
#include "engine/watch.hpp"

namespace engine {

/// Ids of the containers that --requires names. @throws Error not_found.
std::vector<std::string> find_required(Engine& engine, const std::vector<std::string>& names);

/// Starts those that do not run, and before them what these require.
void start_required(Engine& engine, const Watch& watch);

/// --pidfile and --conmon-pidfile. @throws Error.
void write_pid_files(const Watch& watch, pid_t process, pid_t monitor);

}  // namespace engine
