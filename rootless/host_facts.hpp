#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "rootless/id_map.hpp"

namespace rootless {

enum class CgroupMode { none, v1, hybrid, v2 };

/// What this host and this caller are like; looked up once, everyone else takes the struct.
struct HostFacts {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::string user_name;           ///< From /etc/passwd, else `getent passwd`; decimal uid when there is none.
  std::string shell;               ///< From passwd; may be empty.
  std::string home;                ///< $HOME if absolute, else from passwd.
  bool secure_environment = true;  ///< Real and effective ids agree and AT_SECURE is 0: environment may be used.
  std::string data_dir;            ///< $XDG_DATA_HOME or ~/.local/share; root: /var/lib
  std::string config_dir;          ///< $XDG_CONFIG_HOME or ~/.config
  std::string cache_dir;           ///< $XDG_CACHE_HOME or ~/.cache; root: /var/cache
  std::string
      run_dir;  ///< Verified 0700 and ours: $XDG_RUNTIME_DIR, /run/user/UID, else /tmp/engine-run-UID; root: /run
  std::string newuidmap;  ///< Absolute path, empty when absent or neither setuid nor with file capabilities.
  std::string newgidmap;
  IdMap id_map;              ///< The default map of this caller.
  bool writes_maps = false;  ///< We may write any id map ourselves (root): no newuidmap is needed.
  /// Root of a surrounding container that may neither mount nor configure anything: where no user namespace can be made
  /// either, chroot(2) is all that is left.
  bool may_only_chroot = false;
  std::string single_reason;  ///< Why id_map.single, for the user: "no range for \"joe\" in /etc/subuid"; else empty.
  std::string single_hint;    ///< What to do about it: the command or the file and line; may be empty.
  CgroupMode cgroup = CgroupMode::none;
  std::string kernel;  ///< uname release.
  std::string boot_id;
  std::string fuse_overlayfs;  ///< Absolute path or empty.
  std::string slirp4netns;
  std::string pasta;
  bool has_dev_fuse = false;  ///< We may open /dev/fuse.
  bool has_dev_tun = false;   ///< We may open /dev/net/tun, which every user-mode network helper needs.
};

/// Cheap (under a millisecond): reads files and environment, starts no program unless subids need getsubids.
HostFacts look_at_host();

/// Environment variable, only when the environment may be trusted. The only getenv besides engine/config.cpp.
std::optional<std::string> environment(const char* name);

}  // namespace rootless
