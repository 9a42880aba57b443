#pragma once

#include <string>

#include "storage/containers.hpp"

namespace storage {

/// Gives the container another name. Killed at any moment, it has the old one or the new one, and no other container
/// gets either of them from it.
/// @throws Error already_exists, naming the container that has the name; invalid_argument for a name that is none;
/// not_found, when the container was removed meanwhile.
void rename_container(const Store& store, const ContainerDir& container, const std::string& name);

}  // namespace storage
