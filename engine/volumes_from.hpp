#pragma once

#include <string>
#include <vector>

#include "engine/context.hpp"
#include "engine/mount_words.hpp"

namespace engine {

/// --volumes-from CONTAINER[:ro|rw|z]: the volumes and folders of the host that another container has mounted. Volumes
/// are bind mounts by then, of which volume_of_source tells the name.
/// @throws Error not_found, invalid_argument.
std::vector<MountWord> mounts_from(Engine& engine, const std::string& word);

/// The volume whose files are at this path; empty, when it is another folder.
std::string volume_of_source(Engine& engine, const std::string& path);

}  // namespace engine
