#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace runtime {

enum class IdMap { none, single, recursive };

/// What the "options" of one mount of config.json mean. Source: runtime-spec config.md "Linux mount options", and
/// crun(1) "MOUNT OPTIONS" for copy-symlink, src-nofollow and dest-nofollow.
struct MountOptions {
  bool bind = false;
  bool recursive_bind = false;
  bool remount = false;
  IdMap id_map = IdMap::none;
  bool source_nofollow = false;       ///< A link as source is itself what is bound.
  bool destination_nofollow = false;  ///< A link as destination is itself what is mounted on.
  bool copy_symlink = false;          ///< A link as source is made again at the destination.
  std::string subpath;                ///< Binds: only this path below the source, links followed inside of it alone.
  bool copy_up = false;               ///< tmpcopyup: a tmpfs starts with what the rootfs has at that place.
  std::uint64_t set = 0;              ///< MOUNT_ATTR_* for the mount itself.
  std::uint64_t clear = 0;            ///< Asked for explicitly ("rw", "exec"), so worth clearing on a bind mount.
  std::uint64_t recursive_set = 0;    ///< "rro" and its like: for the whole tree.
  std::uint64_t recursive_clear = 0;
  std::uint64_t propagation = 0;  ///< One of MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE; 0: not said.
  bool recursive_propagation = false;
  /// For the file system itself; no value: a flag such as "sync".
  std::vector<std::pair<std::string, std::optional<std::string>>> data;
  /// iversion and noiversion: mount(2) ignores them where a file system does not know them, so that we do, too.
  std::vector<std::string> advisory;
};

/// @throws Error invalid_argument for an option without a name.
MountOptions parse_mount_options(const std::vector<std::string>& options);

/// MS_* of "private", "rslave", … and whether it is recursive; nothing when it is not such a word.
std::optional<std::pair<std::uint64_t, bool>> parse_propagation(const std::string& word);

/// Every option word that is known here, for `runtime features`. Sorted.
std::vector<std::string> mount_option_names();

}  // namespace runtime
