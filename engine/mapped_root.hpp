#pragma once

#include <string>

#include "base/fd.hpp"
#include "rootless/id_map.hpp"
#include "storage/containers.hpp"

namespace engine {

/// "idmap" or "idmap=uids=…;gids=…" of `--rootfs FOLDER:idmap`, which `folder` loses; empty: it has none.
std::string take_id_map_option(std::string& folder);

/// Pure: from ids of the files to ids of the host, for a record that asks for mapped ids. @param container  The
/// container's map. @throws Error invalid_argument.
rootless::IdMap mapped_ids(const storage::ContainerRecord& record, const rootless::IdMap& container);

/// The folder of --rootfs whose ids are mapped for a container, as a detached mount: what belongs to its root there is
/// root's in the container. Empty where the record does not ask for it.
/// @throws Error invalid_argument for a map that makes no sense; unsupported and permission with a hint, where the
/// kernel or the file system refuses.
base::UniqueFd map_root(const storage::ContainerRecord& record, const rootless::IdMap& container);

/// For what would write to the folder, or show it, without that mount. @throws Error unsupported, when the container
/// has one.
void refuse_mapped_root(const storage::ContainerRecord& record);

}  // namespace engine
