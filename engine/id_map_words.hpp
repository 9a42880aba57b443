#pragma once

#include <string_view>
#include <vector>

#include "rootless/id_map.hpp"
#include "runtime/spec.hpp"

namespace engine {

/// What the option idmap of a mount asks for; no ranges: the ids of the container.
struct MountIdMap {
  struct Ranges {
    std::vector<rootless::IdRange> ranges;  ///< From ids of the files to ids that are shown instead.
    bool is_relative = false;               ///< The latter are those of the container.
  };
  Ranges uids, gids;
};

/// "idmap", or "idmap=uids=0-1000-1#1-100000-10;gids=@0-0-10": first id of the files, first id shown, count; with "@"
/// the id shown is one of the container. @throws Error invalid_argument. Source: podman-run(1), --volume.
MountIdMap parse_mount_id_map(std::string_view option);

/// Pure: as the runtime-spec has it. @throws Error invalid_argument, for ids that `container` has not.
void apply_id_map(const MountIdMap& map, const rootless::IdMap& container, runtime::Mount& mount);

}  // namespace engine
