#pragma once

#include <string>
#include <vector>

#include "engine/context.hpp"

// commit: an image of what a container has become. Only in engine-transfer.

namespace engine {

struct CommitOptions {
  std::string container;
  std::string name;  ///< Of the image; empty: none.
  std::string author;
  std::string message;
  std::string format;                ///< oci|docker; empty: as containers.conf says, else oci.
  std::vector<std::string> changes;  ///< Instructions of a Dockerfile; see image_changes.hpp.
  bool include_volumes = false;      ///< Where the container has volumes, the image has some, too; without content.
  bool squash = false;               ///< One layer of everything.
};

/// Adds a layer of what the container changed to the layers of its image, and records the image as a pull does. Whether
/// the container runs does not matter. Returns the image's id, 64 digits.
/// @throws Error not_found; invalid_argument; unsupported, for a container without an image.
std::string commit(Engine& engine, const CommitOptions& options);

}  // namespace engine
