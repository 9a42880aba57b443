#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace engine {

/// What the options of a volume mean: those of podman's local driver, as far as an ordinary user can have them.
/// Source: podman-volume-create(1), "--opt".
struct VolumeMeaning {
  enum class Kind {
    folder,  ///< Files in the store.
    bind,    ///< type=none (or bind), o=bind, device=PATH: a folder of the host under the volume's name.
    tmpfs,   ///< type=tmpfs: a file system in memory, a new one for each container.
  };
  Kind kind = Kind::folder;
  std::string device;                      ///< bind: absolute path on the host.
  std::vector<std::string> mount_options;  ///< "ro", "noexec", "size=1m", … for each mount of the volume.
  std::optional<std::uint32_t> uid, gid;   ///< Owner of the volume, as a container sees it.
  bool copy_up = true;
};

/// Pure. @throws Error invalid_argument, for what the local driver does not know; unsupported, for what needs rights
/// over the host.
VolumeMeaning parse_volume_options(const std::vector<std::pair<std::string, std::string>>& options);

}  // namespace engine
