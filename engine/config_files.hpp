#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rootless/host_facts.hpp"

namespace engine {

/// The three folders that hold containers.conf, storage.conf, registries.conf and our own engine.conf.
struct ConfigFolders {
  std::string user;  ///< ~/.config/containers
  std::string system = "/etc/containers";
  std::string vendor = "/usr/share/containers";
  std::uint32_t uid = 0;
};
ConfigFolders config_folders(const rootless::HostFacts& host);

/// The files of one configuration that count, lowest priority first, in the order of podman 6: the first existing of
/// user, system and vendor NAME.conf; then every NAME.conf.d drop-in, sorted by file name over all folders, where a
/// later folder's file replaces an earlier one of the same name.
/// Source: container-libs contrib/design-docs/config-file-parsing.md.
std::vector<std::string> find_config_files(const std::string& name, const ConfigFolders& folders);

/// As above, with the environment: CONTAINERS_CONF, CONTAINERS_STORAGE_CONF, CONTAINERS_REGISTRIES_CONF and ENGINE_CONF
/// name the only file, the same with _OVERRIDE one that is read last. @throws Error not_found, when a file named so is
/// absent.
std::vector<std::string> find_config_files_by_environment(const std::string& name, const ConfigFolders& folders);

/// A file of `--module`: an absolute path, or a name in containers.conf.modules of the first folder of user, system and
/// vendor that has it. @throws Error not_found. Source: containers.conf(5) "MODULES".
std::string find_config_module(const std::string& name, const ConfigFolders& folders);

/// A file that was looked at, whether it counts or not.
struct ConsideredFile {
  std::string path;
  std::string state;  ///< "read", "absent", "not read: …"
  bool is_read = false;
};
/// As find_config_files_by_environment, but with every file that could have counted, in the order in which later ones
/// win.
std::vector<ConsideredFile> consider_config_files(const std::string& name, const ConfigFolders& folders);

}  // namespace engine
