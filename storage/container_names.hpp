#pragma once

#include <optional>
#include <string>

#include "storage/store.hpp"

// names/<encoded name> holds "id\n", and the full name after the id where it had to be hashed. A reservation is made
// before its container's folder gets its final name and taken back before that folder goes to trash; one whose
// container is neither there nor being made was left by a killed process, and whoever meets it removes it.

namespace storage {

/// ".new-<id>": the folder of a container that is being made; its `lock` is held by its maker.
std::string unborn_container(const std::string& id);

/// @throws Error already_exists, naming the container that has the name.
void reserve_name(const Store& store, const std::string& name, const std::string& id, bool durable);
/// Unless the name belongs to another container by now. Never throws on absence.
void free_name(const Store& store, const std::string& name, const std::string& id);
/// The id of the container that has the name.
std::optional<std::string> id_of_name(const Store& store, const std::string& name);

}  // namespace storage
