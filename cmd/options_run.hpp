#pragma once

#include <string>
#include <vector>

#include "cmd/option_table.hpp"
#include "cmd/options_image.hpp"
#include "engine/run_options.hpp"

namespace cmd {

/// What `run` and `create` read from their words.
struct RunWords {
  engine::RunOptions options;
  PlatformWords platform;
  std::vector<std::string> label_files;
};

/// Every option that `run` and `create` share, and IMAGE [ARG...]. Beside this file, one function a topic:
/// options_process.cpp, options_more_process.cpp, options_mounts.cpp, options_network.cpp, options_isolation.cpp,
/// options_limits.cpp;
/// options_later.cpp knows the rest of podman's and docker's options.
void declare_run_options(OptionTable& table, RunWords& words);

void declare_process_options(OptionTable& table, engine::RunOptions& options);
void declare_mount_options(OptionTable& table, engine::RunOptions& options);
void declare_network_options(OptionTable& table, engine::RunOptions& options);
void declare_health_options(OptionTable& table, engine::RunOptions& options);
/// Those that `update` changes, too.
void declare_health_words(OptionTable& table, engine::HealthWords& health);
void declare_isolation_options(OptionTable& table, engine::RunOptions& options);
void declare_more_process_options(OptionTable& table, engine::RunOptions& options);
void declare_later_options(OptionTable& table);
void declare_cgroup_options(OptionTable& table, engine::RunOptions& options);
/// Those that `update` changes, too.
void declare_limit_options(OptionTable& table, engine::LimitWords& limits);

/// The options with what takes more than one of the user's words: platform, label files. @throws Error.
const engine::RunOptions& settle_run_options(RunWords& words, const std::vector<std::string>& argv);

}  // namespace cmd
