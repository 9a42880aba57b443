#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace runtime {

/// What the "options" of one mount of config.json mean. Source: runtime-spec config.md "Linux mount options".
struct MountOptions {
  bool bind = false;
  bool recursive_bind = false;
  bool remount = false;
  bool copy_up = false;             ///< tmpcopyup: a tmpfs starts with what the rootfs has at that place.
  std::uint64_t set = 0;            ///< MOUNT_ATTR_* for the mount itself.
  std::uint64_t clear = 0;          ///< Asked for explicitly ("rw", "exec"), so worth clearing on a bind mount.
  std::uint64_t recursive_set = 0;  ///< "rro" and its like: for the whole tree.
  std::uint64_t recursive_clear = 0;
  std::uint64_t propagation = 0;  ///< One of MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE; 0: not said.
  bool recursive_propagation = false;
  /// For the file system itself; no value: a flag such as "sync".
  std::vector<std::pair<std::string, std::optional<std::string>>> data;
};

/// @throws Error unsupported for idmap and ridmap, invalid_argument for options that exclude each other.
MountOptions parse_mount_options(const std::vector<std::string>& options);

/// MS_* of "private", "rslave", … and whether it is recursive; nothing when it is not such a word.
std::optional<std::pair<std::uint64_t, bool>> parse_propagation(const std::string& word);

/// Every option word that is known here, for `runtime features`. Sorted.
std::vector<std::string> mount_option_names();

}  // namespace runtime
