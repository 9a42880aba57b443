#pragma once

#include <string>
#include <vector>

#include "engine/context.hpp"
#include "engine/image_views.hpp"

// The verbs diff and export, and commit's part of them: what a container has made of its image, without its mounts.

namespace engine {

enum class DiffOf { anything, containers, images };

/// What `name` has that `other` has not; `other` empty: the container's image, or what is below an image's topmost
/// layer. In order of the paths. `of`: what the names may mean; a container comes first.
/// @throws Error not_found; invalid_argument.
std::vector<ImageChange> diff(Engine& engine, const std::string& name, const std::string& other, DiffOf of);

/// Writes the container's files as a tar to the descriptor `output`, whether it runs or not.
void export_container(Engine& engine, const std::string& name, int output);

/// Writes a layer of what the container changed, or of all its files, as a tar to the descriptor `output`: the same
/// tree gives the same bytes.
void pack_container_layer(Engine& engine, const std::string& id, bool everything, int output);

/// The work of their child in the user namespace; it writes to its standard output.
void list_changes_inside(Engine& engine, const std::string& id);
void export_container_inside(Engine& engine, const std::string& id);
void pack_container_layer_inside(Engine& engine, const std::string& id, bool everything);

}  // namespace engine
