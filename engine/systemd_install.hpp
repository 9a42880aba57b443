#pragma once

#include <string>
#include <vector>

#include "engine/context.hpp"

// `engine systemd install`: units that start containers at boot and keep their images fresh.

namespace engine {

struct SystemdInstallOptions {
  bool uninstall = false;
  bool dry_run = false;
  bool reload = true;                     ///< systemd is told, and has to be there.
  std::vector<std::string> global_words;  ///< --root and its like, when this engine was called with them.
};

struct OwnUnit {
  std::string name;  ///< "engine-restart.service"
  std::string text;
  std::string target;    ///< Where it is enabled: "default.target"; empty: nowhere.
  bool at_once = false;  ///< Started right away, and stopped before it goes.
};

/// Pure: what is installed. @param command  Program and global options, quoted for a unit.
std::vector<OwnUnit> own_units(const std::string& command);

/// Files and links that were "wrote", "kept" or "removed", a line each; with dry_run the files' text, and commands.
/// What keeps containers from starting at boot all the same is a warning.
/// @throws Error unsupported, where there is no systemd or no folder for units.
std::vector<std::string> systemd_install(const SystemdInstallOptions& options);

/// A line for crontab(1) that starts containers at boot where there is no systemd.
std::string reboot_line(const std::vector<std::string>& global_words);

/// Stops, all at once, the containers that start again at boot, for a host that goes down: also those with
/// "unless-stopped" start then. Returns an exit code.
int stop_until_boot(Engine& engine);

}  // namespace engine
