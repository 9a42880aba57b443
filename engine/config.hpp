#pragma once

#include <optional>
#include <string>
#include <vector>

#include "rootless/host_facts.hpp"

namespace engine {

/// Global options of the command line (before the command's name).
struct GlobalOptions {
  std::string root;            ///< --root; empty: default
  std::string runroot;         ///< --runroot
  std::string storage_driver;  ///< --storage-driver overlay|fuse-overlayfs|copy; empty: by trying
  std::string log_level;       ///< --log-level debug|info|warn|error; --debug
};

/// Defaults, files, environment and flags, merged once (FEATURES.md 4.1: podman 6 order).
struct Config {
  std::string root;            ///< Absolute path of the store.
  std::string run;             ///< Absolute path of the run folder.
  std::string storage_driver;  ///< Empty: choose by trying.
  bool keep_blobs = true;
  std::string detach_keys = "ctrl-p,ctrl-q";
  unsigned stop_timeout_seconds = 10;
  std::string seccomp_profile;  ///< Path; empty: the built-in one.
  std::string default_network = "private";
  std::vector<std::string> registries_conf;  ///< Files that exist, lowest priority first.
  std::vector<std::string> auth_files;
  std::vector<std::string> certs_dirs;
};

Config load_config(const GlobalOptions& options, const rootless::HostFacts& host);

}  // namespace engine
