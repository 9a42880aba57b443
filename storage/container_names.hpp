#pragma once

#include <optional>
#include <string>

#include "storage/store.hpp"

// names/<encoded name> is a hard link to its container's record: made at one stroke, with its content, in one inode
// less. The link is made before the container's folder gets its final name and taken back after that folder went to
// trash; one whose container is neither there nor being made was left by a killed process, and whoever meets it removes
// it.
//
// A container gets another name by another record, beside the old one until it takes its place at one stroke
// (storage/container_rename.hpp). Meanwhile there are two names, and either leads to it. Which one is stale after a
// kill is told by the record.

namespace storage {

/// ".new-<id>": the folder of a container that is being made; its `lock` is held by its maker.
std::string unborn_container(const std::string& id);

/// In a container's folder: its record with another name, while it is being renamed under its lock.
inline constexpr const char* renamed_record = "record.new";

/// @param record  Path of a record that has the name, of a container that is being made or renamed: its lock is held.
/// @throws Error already_exists, naming the container that has the name.
void reserve_name(const Store& store, const std::string& name, const std::string& record);
/// Unless the name belongs to another container by now. Never throws on absence.
void free_name(const Store& store, const std::string& name, const std::string& id);
/// What killed processes left, all of it.
void remove_stale_names(const Store& store);
/// Whether a container that is there, or being made, has the name. Tidies nothing up.
bool is_name_in_use(const Store& store, const std::string& name);
/// The id of the container that has the name.
std::optional<std::string> id_of_name(const Store& store, const std::string& name);

}  // namespace storage
