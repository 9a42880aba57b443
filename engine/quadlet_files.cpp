#include "engine/quadlet_files.hpp"

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <fcntl.h>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.hpp"
#include "base/host_file.hpp"
#include "base/text.hpp"
#include "engine/context.hpp"
#include "rootless/host_facts.hpp"

namespace engine {
namespace {

using base::concat;
using base::ErrorKind;
using base::make_error;
using rootless::environment;

constexpr std::string_view system_folder = "/etc/containers/systemd";
constexpr std::string_view shipped_folder = "/usr/share/containers/systemd";

std::string config_home() {
  if (const auto config = environment("XDG_CONFIG_HOME"); config && config->starts_with('/')) return *config;
  const auto home = environment("HOME");
  return home && home->starts_with('/') ? *home + "/.config" : "";
}

std::string required_config_home() {
  std::string config = config_home();
  if (config.empty()) throw make_error(ErrorKind::unsupported, "neither HOME nor XDG_CONFIG_HOME is set");
  return config;
}

/// The folder that a path means, links followed; empty when there is none.
std::string real_folder(const std::string& path) {
  char resolved[PATH_MAX];
  struct stat status {};
  if (::realpath(path.c_str(), resolved) == nullptr || ::stat(resolved, &status) != 0 || !S_ISDIR(status.st_mode))
    return "";
  return resolved;
}

/// Below /etc/containers/systemd/users, a folder of digits is one user's, and "users" is not for root.
bool is_for_others(const std::string& parent, const std::string& name) {
  const bool in_system = parent == system_folder || parent == shipped_folder;
  const bool in_users = parent == concat(system_folder, "/users") || parent == concat(shipped_folder, "/users");
  return (in_system && name == "users") || (in_users && base::parse_unsigned(name).has_value());
}

class Loader {
 public:
  LoadedQuadlets load(const std::vector<std::string>& folders) {
    for (const std::string& folder : folders) visit(folder, 0);
    for (const auto& [name, path] : files_) read(name, path);
    return std::move(loaded_);
  }

 private:
  void visit(const std::string& typed, std::size_t depth) {
    const std::string folder = real_folder(typed);
    if (folder.empty() || depth > max_quadlet_depth || !visited_.insert(folder).second) return;
    folders_.push_back(folder);
    for (const std::string& name : base::list_directory(AT_FDCWD, folder)) {
      const std::string path = concat(folder, '/', name);
      if (name.starts_with('.') || is_for_others(folder, name)) continue;
      const bool is_folder = !real_folder(path).empty();
      if (is_folder && !name.ends_with(".d")) visit(path, depth + 1);
      if (!is_folder && quadlet_format_of(name) != nullptr && files_.size() < max_quadlet_files)
        files_.emplace(name, path);  // unless a place that counts more had it
    }
  }

  void read(const std::string& name, const std::string& path) {
    try {
      const auto text = base::try_read_host_file(path, max_unit_bytes);
      if (!text) throw make_error(ErrorKind::not_found, path, ": cannot be read");
      if (text->empty()) return;  // masked, as by a link to /dev/null
      QuadletUnit unit{quadlet_format_of(name), name, path, UnitFile::parse(*text, path)};
      for (const auto& [conf, conf_path] : drop_ins(unit))
        if (const auto more = base::try_read_host_file(conf_path, max_unit_bytes))
          unit.file.merge(UnitFile::parse(*more, conf_path));
      loaded_.units.emplace(name, std::move(unit));
    } catch (const base::Error& error) {
      loaded_.problems.push_back(error.message());
    }
  }

  /// By file name: one in a more special folder, or in a place that counts more, hides its namesakes.
  std::map<std::string, std::string> drop_ins(const QuadletUnit& unit) const {
    std::map<std::string, std::string> found;
    for (const std::string& name : drop_in_folders(unit))
      for (auto folder = folders_.rbegin(); folder != folders_.rend(); ++folder) {
        const std::string path = real_folder(concat(*folder, '/', name));
        if (path.empty()) continue;
        for (const std::string& conf : base::list_directory(AT_FDCWD, path))
          if (conf.ends_with(".conf")) found[conf] = concat(path, '/', conf);
      }
    return found;
  }

  std::vector<std::string> folders_;
  std::set<std::string> visited_;
  std::map<std::string, std::string> files_;
  LoadedQuadlets loaded_;
};

}  // namespace

std::vector<std::string> quadlet_folders(bool is_user) {
  std::vector<std::string> folders;
  if (const auto named = environment("QUADLET_UNIT_DIRS"); named && !named->empty()) {
    for (const std::string_view folder : base::split(*named, ':'))
      if (!folder.empty()) folders.emplace_back(folder);
    return folders;
  }
  if (!is_user) return {"/run/containers/systemd", std::string{system_folder}, std::string{shipped_folder}};
  if (const auto run = environment("XDG_RUNTIME_DIR"); run && run->starts_with('/'))
    folders.push_back(*run + "/containers/systemd");
  if (const std::string config = config_home(); !config.empty()) folders.push_back(config + "/containers/systemd");
  for (const std::string_view folder : {system_folder, shipped_folder}) {
    folders.push_back(concat(folder, "/users/", ::getuid()));
    folders.push_back(concat(folder, "/users"));
  }
  return folders;
}

std::string quadlet_install_folder(bool is_user) {
  return is_user ? required_config_home() + "/containers/systemd" : std::string{system_folder};
}

std::string systemd_unit_folder(bool is_user) {
  return is_user ? required_config_home() + "/systemd/user" : "/etc/systemd/system";
}

LoadedQuadlets load_quadlets(const std::vector<std::string>& folders) {
  return Loader{}.load(folders);
}

std::vector<std::string> drop_in_folders(const QuadletUnit& unit) {
  const std::string_view extension = unit.format->extension;
  const std::string base_name = unit.base_name();
  std::vector<std::string> names{concat(extension.substr(1), ".d")};
  const auto add = [&](std::string_view stem) { names.push_back(concat(stem, extension, ".d")); };
  for (std::size_t at = base_name.find('-'); at != std::string::npos && at + 1 < base_name.size();
       at = base_name.find('-', at + 1))
    add(std::string_view{base_name}.substr(0, at + 1));
  const std::size_t instance = base_name.find('@');
  if (instance != std::string::npos && instance + 1 < base_name.size())
    add(std::string_view{base_name}.substr(0, instance + 1));
  add(base_name);
  return names;
}

QuadletServices make_services(const LoadedQuadlets& loaded, const QuadletSurroundings& around) {
  QuadletServices result{{}, loaded.problems};
  std::map<std::string, std::string> makers;
  for (const auto& [name, unit] : loaded.units) {
    try {
      QuadletService service = make_service(unit, loaded.units, around);
      const auto [other, is_new] = makers.emplace(service.name, unit.path);
      if (!is_new)
        throw make_error(ErrorKind::invalid_argument, unit.path, ": makes ", service.name, ", as ", other->second);
      result.services.push_back(std::move(service));
    } catch (const base::Error& error) {
      for (const std::string_view line : base::split(error.message(), '\n')) result.problems.emplace_back(line);
    }
  }
  return result;
}

QuadletSurroundings quadlet_surroundings(bool is_user) {
  return {path_of_own_program("engine"), is_user,
          [](const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }};
}

void write_services(const std::string& folder, const std::vector<QuadletService>& services) {
  const base::UniqueFd dir = base::make_directories(AT_FDCWD, folder, 0755);
  for (const QuadletService& service : services) {
    const std::string text = concat("# made by engine from a Quadlet file\n", service.file.text());
    base::write_file_atomically(dir.get(), service.name, text, base::Durability::volatile_, 0644);
    for (const auto& [name, target] : service.links) {
      const auto parts = base::split_once(name, '/');
      if (parts) base::make_directory(dir.get(), std::string{parts->first}, 0755);
      if (::symlinkat(target.c_str(), dir.get(), name.c_str()) != 0 && errno != EEXIST)
        throw base::os_error("linking ", base::quoted(name));
    }
  }
}

}  // namespace engine
