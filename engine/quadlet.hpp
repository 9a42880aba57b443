#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "engine/quadlet_keys.hpp"
#include "engine/unit_file.hpp"

// From Quadlet files to services of systemd. Source: podman-systemd.unit(5), podman 5; systemd.unit(5).

namespace engine {

/// One file, its drop-ins merged into it.
struct QuadletUnit {
  const QuadletFormat* format = nullptr;
  std::string file_name;  ///< "web.container", "web@one.container"
  std::string path;
  UnitFile file;

  std::string base_name() const { return file_name.substr(0, file_name.size() - format->extension.size()); }
  bool is_template() const { return base_name().ends_with('@'); }
  /// Without ".service": "web", "data-volume", "data-volume@"; ServiceName= says otherwise.
  std::string service_name() const;
  /// What others call the container, volume, network, pod or image: its …Name key, else "systemd-web".
  std::string resource_name() const;
  /// Of its own section.
  std::optional<std::string> last(std::string_view key) const { return file.last(format->section, key); }
};

/// By file name.
using QuadletUnits = std::map<std::string, QuadletUnit>;

struct QuadletSurroundings {
  std::string program;  ///< Absolute path of `engine`.
  bool is_user = false;
  std::function<bool(const std::string& path)> exists;  ///< Whether the host has a device.
};

struct QuadletService {
  std::string name;  ///< "web.service"
  UnitFile file;
  std::vector<std::pair<std::string, std::string>> links;  ///< What [Install] asks for: path in the folder, target.
};

/// Pure. @throws Error invalid_argument, of one line for each thing that is wrong: "path:12: …".
QuadletService make_service(const QuadletUnit& unit, const QuadletUnits& units, const QuadletSurroundings& around);

/// Pure: what [Install] asks for, as `systemctl enable` would do it.
std::vector<std::pair<std::string, std::string>> install_links(const QuadletUnit& unit, const std::string& service);

}  // namespace engine
