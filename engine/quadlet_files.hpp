#pragma once

#include <string>
#include <vector>

#include "engine/quadlet.hpp"

namespace engine {

/// Where Quadlet files are looked for, the first place counting most; of QUADLET_UNIT_DIRS when that is set.
/// Source: podman-systemd.unit(5), "unit search path".
std::vector<std::string> quadlet_folders(bool is_user);

/// Where `quadlet install` puts them.
std::string quadlet_install_folder(bool is_user);

/// Where units are that an administrator, or the user, has put there. Source: systemd.unit(5), "unit file load path".
/// @throws Error unsupported, for a user without a home.
std::string systemd_unit_folder(bool is_user);

struct LoadedQuadlets {
  QuadletUnits units;
  std::vector<std::string> problems;  ///< A line each; the file is left out.
};

constexpr std::size_t max_quadlet_files = 4096;
constexpr std::size_t max_quadlet_depth = 16;

/// All files below these folders, with their drop-ins. A folder that is not there holds nothing.
LoadedQuadlets load_quadlets(const std::vector<std::string>& folders);

/// Pure: the names of a file's drop-in folders, the most general first: "container.d", "web-.container.d", …
std::vector<std::string> drop_in_folders(const QuadletUnit& unit);

struct QuadletServices {
  std::vector<QuadletService> services;
  std::vector<std::string> problems;
};
/// A file that is wrong has no service, but a problem.
QuadletServices make_services(const LoadedQuadlets& loaded, const QuadletSurroundings& around);

/// Of this process: our own path, and the host's devices. @throws Error unsupported.
QuadletSurroundings quadlet_surroundings(bool is_user);

/// Writes services and the links of [Install] into the folder of a systemd generator.
void write_services(const std::string& folder, const std::vector<QuadletService>& services);

}  // namespace engine
