#pragma once

#include <optional>
#include <string>

#include "base/oci/image_config.hpp"
#include "engine/config.hpp"
#include "engine/run_options.hpp"
#include "engine/watch.hpp"

namespace engine {

/// Pure: --restart, --health-*, --log-opt, --timeout, --sdnotify, and what image and configuration say where these do
/// not. @throws Error invalid_argument. Source: podman-run(1).
Watch make_watch(const RunOptions& options, const oci::ImageConfig& image, const Config& config);

/// Pure: what `update` changes. @throws Error invalid_argument.
void change_watch(Watch& watch, const std::optional<std::string>& restart, const HealthWords& health);

/// The log driver that is meant. @throws Error invalid_argument, unsupported.
std::string choose_log_driver(const RunOptions& options, const Config& config);

/// Whether the container needs a monitor though somebody waits for it.
bool needs_monitor(const RunOptions& options, const Watch& watch);

}  // namespace engine
