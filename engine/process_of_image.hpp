#pragma once

#include <string>
#include <vector>

#include "base/oci/image_config.hpp"
#include "engine/environment.hpp"
#include "engine/run_options.hpp"
#include "engine/user.hpp"

namespace engine {

/// The container's argv: --entrypoint or the image's, then the user's words or the image's CMD. `--entrypoint ""`
/// clears entrypoint and CMD; a JSON array is a list. @throws Error invalid_argument when nothing is left.
std::vector<std::string> container_command(const RunOptions& options, const oci::ImageConfig& image);
/// The first part of it: --entrypoint or the image's.
std::vector<std::string> container_entrypoint(const RunOptions& options, const oci::ImageConfig& image);

/// Defaults, image, --env-file, -e, proxies, in that order; then HOME, HOSTNAME, TERM and container where unset.
/// `host`: our own environment as "NAME=value"; `configured`: what containers.conf adds to the defaults. Reads the env
/// files.
Environment container_environment(const RunOptions& options, const oci::ImageConfig& image, const ResolvedUser& user,
                                  const std::string& hostname, const std::vector<std::string>& host,
                                  const std::vector<std::string>& configured = {});

/// -w, else the image's WORKDIR, else "/". @throws Error invalid_argument unless absolute.
std::string container_work_dir(const RunOptions& options, const oci::ImageConfig& image);

}  // namespace engine
