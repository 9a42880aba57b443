#pragma once

#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.hpp"
#include "engine/context.hpp"
#include "storage/volumes.hpp"

// The verbs of `engine volume` but for prune (upkeep.hpp), export and import (volume_archive.hpp).

namespace engine {

struct VolumeCreateOptions {
  std::string name;                  ///< Empty: a random one.
  std::vector<std::string> labels;   ///< "KEY=VALUE" or "KEY"
  std::vector<std::string> options;  ///< "type=tmpfs"
  bool ignore = false;               ///< One of this name is as good.
};
/// Returns the name. @throws Error already_exists, invalid_argument, unsupported.
std::string create_volume(Engine& engine, const VolumeCreateOptions& options);

struct VolumeSummary {
  std::string name;
  std::optional<base::Time> created;
  bool anonymous = false;
  bool in_use = false;  ///< By a container, running or not.
  storage::VolumeWords words;
};
/// --filter of `volume ls`: name, label, label!, driver, dangling, opt, scope, anonymous, until, since, after. Values
/// of one key: any of them; of label: all; several keys: all keys. @throws Error invalid_argument.
std::vector<VolumeSummary> volumes(Engine& engine, const std::vector<std::string>& filters);
bool volume_exists(Engine& engine, const std::string& name);

/// The name of the volume that `text` means: its name, or the unique beginning of one, as podman has it.
/// @throws Error not_found, invalid_argument when it begins several.
std::string find_volume_name(Engine& engine, const std::string& text);

/// @param force  Containers that use it are removed first. @throws Error not_found, in_use.
void remove_volume(Engine& engine, const std::string& name, bool force);

/// Ids of the containers that have a volume in their record, whether they run or not.
std::vector<std::string> users_of_volume(const storage::Store& store, const std::string& name);

/// Makes its files reachable at the path that is returned, for who works inside `engine unshare`: a volume with a type
/// is mounted there in the caller's mount namespace, any other needs nothing.
std::string mount_volume(Engine& engine, const std::string& name);
void unmount_volume(Engine& engine, const std::string& name);

}  // namespace engine
