#include "engine/config_files.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <sys/stat.h>
#include <system_error>

#include "base/error.hpp"
#include "base/text.hpp"

namespace engine {
namespace {

bool is_regular(const std::string& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 && S_ISREG(facts.st_mode);
}

bool is_directory(const std::string& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode);
}

std::optional<std::string> find_main_file(const std::string& name, const ConfigFolders& folders) {
  for (const std::string* folder : {&folders.user, &folders.system, &folders.vendor}) {
    std::string path = base::concat(*folder, '/', name, ".conf");
    if (is_regular(path)) return path;
  }
  return std::nullopt;
}

std::vector<std::string> drop_in_folders(const std::string& name, const ConfigFolders& folders) {
  std::vector<std::string> result;
  for (const std::string* folder : {&folders.vendor, &folders.system}) {
    if (!is_directory(*folder)) continue;  // most hosts lack one or both
    const std::string stem = base::concat(*folder, '/', name);
    result.push_back(stem + ".conf.d");
    if (folders.uid == 0) {
      result.push_back(stem + ".rootful.conf.d");
    } else {
      result.push_back(stem + ".rootless.conf.d");
      result.push_back(base::concat(stem, ".rootless.conf.d/", folders.uid));
    }
  }
  if (is_directory(folders.user)) result.push_back(base::concat(folders.user, '/', name, ".conf.d"));
  return result;
}

/// Names of the files of one folder.
std::vector<std::string> drop_ins_of(const std::string& folder) {
  std::vector<std::string> files;
  std::error_code absent;
  for (std::filesystem::directory_iterator entry{folder, absent}, end; !absent && entry != end;
       entry.increment(absent)) {
    std::string file = entry->path().filename().string();
    if (file.ends_with(".conf") && file.front() != '.') files.push_back(std::move(file));
  }
  return files;
}

std::vector<std::string> find_drop_ins(const std::string& name, const ConfigFolders& folders) {
  std::map<std::string, std::string> by_file_name;
  for (const std::string& folder : drop_in_folders(name, folders))
    for (const std::string& file : drop_ins_of(folder)) by_file_name[file] = base::concat(folder, '/', file);
  std::vector<std::string> files;
  for (const auto& [file, path] : by_file_name) {
    if (is_regular(path)) files.push_back(path);  // a link to /dev/null masks an earlier folder's file
  }
  return files;
}

std::string variable_of(const std::string& name) {
  if (name == "storage") return "CONTAINERS_STORAGE_CONF";
  if (name == "engine") return "ENGINE_CONF";
  return name == "registries" ? "CONTAINERS_REGISTRIES_CONF" : "CONTAINERS_CONF";
}

std::optional<std::string> file_named_by(const std::string& variable) {
  std::optional<std::string> path = rootless::environment(variable.c_str());
  if (!path || path->empty()) return std::nullopt;
  if (!is_regular(*path)) {
    throw base::Error{base::ErrorKind::not_found,
                      base::concat("configuration file ", base::quoted(*path), " does not exist"),
                      base::concat("the environment variable ", variable, " names it")};
  }
  return path;
}

}  // namespace

ConfigFolders config_folders(const rootless::HostFacts& host) {
  ConfigFolders folders;
  folders.user = host.config_dir + "/containers";
  folders.uid = host.uid;
  return folders;
}

std::vector<std::string> find_config_files(const std::string& name, const ConfigFolders& folders) {
  std::vector<std::string> files;
  if (std::optional<std::string> main = find_main_file(name, folders)) files.push_back(std::move(*main));
  for (std::string& file : find_drop_ins(name, folders)) files.push_back(std::move(file));
  return files;
}

std::vector<std::string> find_config_files_by_environment(const std::string& name, const ConfigFolders& folders) {
  const std::string variable = variable_of(name);
  std::vector<std::string> files;
  if (std::optional<std::string> only = file_named_by(variable)) {
    files.push_back(std::move(*only));
  } else {
    files = find_config_files(name, folders);
  }
  if (std::optional<std::string> last = file_named_by(variable + "_OVERRIDE")) files.push_back(std::move(*last));
  return files;
}

std::string find_config_module(const std::string& name, const ConfigFolders& folders) {
  if (name.starts_with('/') && is_regular(name)) return name;
  for (const std::string* folder : {&folders.user, &folders.system, &folders.vendor}) {
    std::string path = base::concat(*folder, "/containers.conf.modules/", name);
    if (!name.starts_with('/') && is_regular(path)) return path;
  }
  throw base::make_error(base::ErrorKind::not_found, "--module ", base::quoted(name), " does not exist")
      .with_hint(base::concat("it is an absolute path, or a file in ", folders.user, "/containers.conf.modules"));
}

std::vector<ConsideredFile> consider_config_files(const std::string& name, const ConfigFolders& folders) {
  std::vector<ConsideredFile> considered;
  const std::string variable = variable_of(name);
  const std::optional<std::string> only = file_named_by(variable);
  const std::optional<std::string> main = find_main_file(name, folders);
  const auto add = [&](std::string path, bool counts, const std::string& why_not) {
    const bool is_there = is_regular(path);
    const bool is_read = is_there && counts && !only;
    const std::string state = is_read     ? "read"
                              : !is_there ? "absent"
                              : only      ? base::concat("not read: ", variable, " names the only file")
                                          : base::concat("not read: ", why_not);
    considered.push_back({std::move(path), state, is_read});
  };
  for (const std::string* folder : {&folders.vendor, &folders.system, &folders.user}) {
    const std::string path = base::concat(*folder, '/', name, ".conf");
    add(path, main == path, base::concat(base::quoted(main.value_or("")), " replaces it"));
  }
  std::map<std::string, std::vector<std::string>> by_file_name;
  for (const std::string& folder : drop_in_folders(name, folders))
    for (const std::string& file : drop_ins_of(folder)) by_file_name[file].push_back(base::concat(folder, '/', file));
  for (const auto& [file, paths] : by_file_name)
    for (const std::string& path : paths)
      add(path, path == paths.back(), base::concat(base::quoted(paths.back()), " replaces it"));
  if (only) considered.push_back({*only, base::concat("read: ", variable), true});
  if (const auto last = file_named_by(variable + "_OVERRIDE"))
    considered.push_back({*last, base::concat("read: ", variable, "_OVERRIDE"), true});
  return considered;
}

}  // namespace engine
