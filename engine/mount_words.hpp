#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/id_map_words.hpp"

namespace engine {

/// One -v, --mount or --tmpfs, understood but not yet looked up on disk.
struct MountWord {
  enum class Kind { bind, volume, tmpfs, image, devpts };
  Kind kind = Kind::bind;
  std::string source;                ///< Host path (bind), volume name (volume; empty: anonymous), image name.
  std::string destination;           ///< Absolute path in the container, cleaned.
  std::vector<std::string> options;  ///< Mount options in OCI spelling: "ro", "rbind", "nosuid", "size=1m", …
  std::string subpath;               ///< Of a volume or image: only that part of it.
  bool writable = false;             ///< Image: changes are kept apart, and go with the container.
  bool copy_up = true;               ///< Volume: copy the image's content into a new volume.
  bool change_owner = false;         ///< U: chown the source to the container's user.
  std::optional<MountIdMap> id_map;  ///< Files are shown with other owners.
  bool is_overlay = false;           ///< O: what is written goes into the container, not into the source.
  bool create_source = false;        ///< A missing bind source is an error (podman), unless this says otherwise.
};

/// -v [SOURCE:]DESTINATION[:OPTIONS]; relative sources start with "." and are made absolute with `work_dir`.
MountWord parse_volume_word(std::string_view word, const std::string& work_dir);
/// --mount type=bind|volume|tmpfs|image|devpts,src=…,dst=…,… (type defaults to volume).
MountWord parse_mount_word(std::string_view word, const std::string& work_dir);
/// --tmpfs DESTINATION[:OPTIONS]
MountWord parse_tmpfs_word(std::string_view word);

/// Lexically cleaned absolute path: no "//", "." or "..". @throws Error invalid_argument when it is not absolute.
std::string clean_destination(std::string_view path, std::string_view word);

}  // namespace engine
