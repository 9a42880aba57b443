#include "engine/quadlet_verbs.hpp"

#include <algorithm>
#include <fcntl.h>
#include <fnmatch.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/host_file.hpp"
#include "base/log.hpp"
#include "base/text.hpp"
#include "engine/fetch.hpp"
#include "engine/quadlet_files.hpp"
#include "engine/systemctl.hpp"

namespace engine {
namespace {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

constexpr std::size_t max_installed_bytes = 16 << 20;

bool is_folder(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode);
}

std::string last_component(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

struct InstalledFile {
  std::string name;
  std::string bytes;
};

/// Checked before anything is fetched, as it becomes the name of a file.
std::string name_in_url(const std::string& url) {
  const std::string path = url.substr(0, url.find_first_of("?#"));
  const std::string name = last_component(path);
  const bool is_plain =
      name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@._-") == std::string::npos;
  if (!is_plain || name.starts_with('.') || quadlet_format_of(name) == nullptr)
    throw make_error(ErrorKind::invalid_argument, quoted(url), " does not end in the name of a Quadlet file")
        .with_hint("names end in .container, .volume, .network, .image, .build, .pod or .kube");
  return name;
}

void collect(const std::string& path, const QuadletInstallOptions& options, std::vector<InstalledFile>& files) {
  if (is_url(path)) {
    const std::string name = name_in_url(path);
    if (base::to_lower(path).starts_with("http:"))
      base::log(base::LogLevel::warn, quoted(path), " is not encrypted: anybody on the way could change it");
    files.push_back({name, options.fetch(path)});
    return;
  }
  if (is_folder(path)) {
    for (const std::string& name : base::list_directory(AT_FDCWD, path))
      if (!name.starts_with('.') && !is_folder(concat(path, '/', name)))
        collect(concat(path, '/', name), options, files);
    return;
  }
  auto bytes = base::try_read_host_file(path, max_installed_bytes);
  if (!bytes) throw make_error(ErrorKind::not_found, "no file ", quoted(path), " that can be read");
  files.push_back({last_component(path), std::move(*bytes)});
}

void reload_systemd() {
  const auto result = systemctl({"daemon-reload"});
  if (!result || result->code != 0)
    base::log(base::LogLevel::warn, "systemd was not told: ", result ? result->error : "there is no systemctl");
}

const QuadletUnit& require_unit(const LoadedQuadlets& loaded, const std::string& name) {
  const auto found = loaded.units.find(name);
  if (found == loaded.units.end())
    throw make_error(ErrorKind::not_found, "no Quadlet file ", quoted(name)).with_hint("engine quadlet list");
  return found->second;
}

std::string service_of(const QuadletUnit& unit) {
  return unit.service_name() + ".service";
}

bool matches(const QuadletSummary& quadlet, std::string_view key, const std::string& value) {
  if (key == "name") return ::fnmatch(value.c_str(), quadlet.name.c_str(), 0) == 0;
  if (key == "status") return quadlet.status == value || quadlet.status.starts_with(value + "/");
  throw make_error(ErrorKind::invalid_argument, quoted(key), " is an invalid filter").with_hint("name, status");
}

void stop_for_removal(const QuadletUnit& unit, bool force) {
  const std::string service = service_of(unit);
  const std::string state = unit_states({service}).front();
  if (!state.starts_with("active") && !state.starts_with("activating")) return;
  if (!force)
    throw make_error(ErrorKind::in_use, quoted(unit.file_name), " is running as ", service)
        .with_hint("--force stops it");
  const auto result = systemctl({"stop", service});
  if (result && result->code != 0) throw make_error(ErrorKind::in_use, service, " cannot be stopped: ", result->error);
}

}  // namespace

std::vector<std::string> quadlet_install(const QuadletInstallOptions& options) {
  std::vector<InstalledFile> files;
  for (const std::string& path : options.paths) collect(path, options, files);
  const bool has_quadlet = std::any_of(
      files.begin(), files.end(), [](const InstalledFile& file) { return quadlet_format_of(file.name) != nullptr; });
  if (!has_quadlet)
    throw make_error(ErrorKind::invalid_argument, "none of these is a Quadlet file")
        .with_hint("names end in .container, .volume, .network, .image, .build, .pod or .kube");
  for (const InstalledFile& file : files)
    if (quadlet_format_of(file.name) != nullptr) UnitFile::parse(file.bytes, file.name);
  const std::string folder = quadlet_install_folder(has_user_manager());
  const base::UniqueFd dir = base::make_directories(AT_FDCWD, folder, 0755);
  for (const InstalledFile& file : files)
    if (!options.replace && base::exists(dir.get(), file.name))
      throw make_error(ErrorKind::already_exists, quoted(file.name), " is installed already").with_hint("--replace");
  std::vector<std::string> installed;
  for (const InstalledFile& file : files) {
    base::write_file_atomically(dir.get(), file.name, file.bytes, base::Durability::flushed, 0644);
    installed.push_back(concat(folder, '/', file.name));
  }
  if (options.reload) reload_systemd();
  return installed;
}

std::vector<QuadletSummary> quadlet_list(const std::vector<std::string>& filters) {
  const LoadedQuadlets loaded = load_quadlets(quadlet_folders(has_user_manager()));
  for (const std::string& problem : loaded.problems) base::log(base::LogLevel::warn, problem);
  std::vector<QuadletSummary> result;
  std::vector<std::string> services;
  for (const auto& [name, unit] : loaded.units) {
    services.push_back(service_of(unit));
    result.push_back({name, services.back(), unit.path, "", unit.last("Pod").value_or("")});
  }
  const std::vector<std::string> states = unit_states(services);
  for (std::size_t at = 0; at < result.size(); ++at) result[at].status = states[at];
  for (const std::string& filter : filters) {
    const auto pair = base::split_once(filter, '=');
    if (!pair) throw make_error(ErrorKind::invalid_argument, "--filter is KEY=VALUE, not ", quoted(filter));
    std::erase_if(result, [&](const QuadletSummary& quadlet) {
      return !matches(quadlet, pair->first, std::string{pair->second});
    });
  }
  return result;
}

std::string quadlet_print(const std::string& name) {
  const LoadedQuadlets loaded = load_quadlets(quadlet_folders(has_user_manager()));
  return base::try_read_host_file(require_unit(loaded, name).path, max_unit_bytes).value_or("");
}

std::vector<std::string> quadlet_remove(const QuadletRemoveOptions& options) {
  const std::string folder = quadlet_install_folder(has_user_manager());
  const LoadedQuadlets loaded = load_quadlets({folder});
  std::vector<std::string> names = options.names, removed;
  if (options.all)
    for (const auto& [name, unit] : loaded.units) names.push_back(name);
  for (const std::string& name : names) {
    if (options.ignore && loaded.units.count(name) == 0) continue;
    const QuadletUnit& unit = require_unit(loaded, name);
    stop_for_removal(unit, options.force);
    const base::UniqueFd dir = base::open_directory(AT_FDCWD, unit.path.substr(0, unit.path.rfind('/')));
    base::unlink_file(dir.get(), name);
    removed.push_back(name);
  }
  if (options.reload && !removed.empty()) reload_systemd();
  return removed;
}

}  // namespace engine
