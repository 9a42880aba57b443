#pragma once

#include <functional>
#include <string>
#include <vector>

namespace engine {

// The verbs of `engine quadlet`: files in the caller's folder, and systemd told of them.

struct QuadletInstallOptions {
  std::vector<std::string> paths;  ///< Quadlet files, what belongs to them, folders of both; URLs of Quadlet files.
  std::function<std::string(const std::string& url)> fetch;  ///< The file behind a URL.
  bool replace = false;
  bool reload = true;
};
/// Returns the paths of what was installed. All files are looked at before the first is copied.
/// @throws Error already_exists, invalid_argument (no Quadlet file among them), not_found.
std::vector<std::string> quadlet_install(const QuadletInstallOptions& options);

struct QuadletSummary {
  std::string name;       ///< "web.container"
  std::string unit_name;  ///< "web.service"; empty when the file is wrong
  std::string path;
  std::string status;  ///< "active/running", "Not loaded"
  std::string pod;
};
/// --filter: name=GLOB, status=TEXT. @throws Error invalid_argument.
std::vector<QuadletSummary> quadlet_list(const std::vector<std::string>& filters);

/// The text of a file. @throws Error not_found.
std::string quadlet_print(const std::string& name);

struct QuadletRemoveOptions {
  std::vector<std::string> names;
  bool all = false;
  bool force = false;  ///< Stops what runs.
  bool ignore = false;
  bool reload = true;
};
/// Returns the names that were removed. Only files of the caller's own folder go.
/// @throws Error not_found, in_use.
std::vector<std::string> quadlet_remove(const QuadletRemoveOptions& options);

}  // namespace engine
