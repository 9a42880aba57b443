#pragma once

#include <optional>
#include <string>

#include "storage/store.hpp"

// names/<encoded name> is a hard link to its container's record: made at one stroke, with its content, in one inode
// less. The link is made before the container's folder gets its final name and taken back after that folder went to
// trash; one whose container is neither there nor being made was left by a killed process, and whoever meets it removes
// it.

namespace storage {

/// ".new-<id>": the folder of a container that is being made; its `lock` is held by its maker.
std::string unborn_container(const std::string& id);

/// For the unborn container `id`, whose record is written and whose lock is held. @throws Error already_exists, naming
/// the container that has the name.
void reserve_name(const Store& store, const std::string& name, const std::string& id);
/// Unless the name belongs to another container by now. Never throws on absence.
void free_name(const Store& store, const std::string& name, const std::string& id);
/// What killed processes left, all of it.
void remove_stale_names(const Store& store);
/// Whether a container that is there, or being made, has the name. Tidies nothing up.
bool is_name_in_use(const Store& store, const std::string& name);
/// The id of the container that has the name.
std::optional<std::string> id_of_name(const Store& store, const std::string& name);

}  // namespace storage
