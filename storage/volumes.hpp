#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/fd.hpp"
#include "base/lock.hpp"
#include "storage/store.hpp"

namespace storage {

/// What the user said of a volume when making it; engine/volume_options.hpp knows what the options mean.
struct VolumeWords {
  std::vector<std::pair<std::string, std::string>> labels;
  std::vector<std::pair<std::string, std::string>> options;  ///< "type", "device", "o".
};

struct Volume {
  std::string name;
  std::string created;  ///< RFC 3339.
  bool anonymous = false;
  VolumeWords words;
  base::UniqueFd data;         ///< O_PATH of _data.
  std::string data_path;       ///< Absolute, for inspect.
  bool needs_copy_up = false;  ///< Never used yet: the image's content at the mount point is copied in once.
};

/// Names: [a-zA-Z0-9][a-zA-Z0-9_.-]*. @throws Error invalid_argument.
/// @return  False when there is one of this name.
bool create_volume(const Store& store, const std::string& name, const VolumeWords& words);
Volume open_or_create_volume(const Store& store, const std::string& name, bool anonymous);
std::optional<Volume> find_volume(const Store& store, const std::string& name);
std::vector<Volume> list_volumes(const Store& store);
/// @throws Error not_found. The volume may have been removed before the lock was had: find_volume tells.
base::FileLock lock_volume(const Store& store, const std::string& name);
void mark_volume_populated(const Store& store, const base::FileLock& volume_lock, const std::string& name);
/// Writes the record of a volume whose own one is damaged; its content is not touched, and never filled from an image.
void restore_volume_record(const Store& store, const base::FileLock& volume_lock, const std::string& name);
void remove_volume(const Store& store, const base::FileLock& volume_lock, const std::string& name);

}  // namespace storage
