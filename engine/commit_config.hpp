#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "engine/image_changes.hpp"

// Pure: the config of an image that a container was committed to.

namespace engine {

struct CommitConfig {
  std::string_view base;  ///< Config of the container's image. What is not said here stays, also what only others know.
  ImageChanges config;    ///< The container's own settings, with --change applied.
  std::string author;
  std::string comment;         ///< Of the new step.
  std::string docker_comment;  ///< Of the image, which only Docker's format has; empty: none.
  std::string created;         ///< RFC 3339
  base::Digest diff_id;
  bool is_squashed = false;  ///< The new layer is the only one.
};

std::string make_commit_config(const CommitConfig& commit);

}  // namespace engine
