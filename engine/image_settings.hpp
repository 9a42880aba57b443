#pragma once

#include <cstddef>
#include <optional>
#include <string>

#include "engine/config.hpp"

namespace engine {

/// Keys of containers.conf that only commands with images ask for. Source: containers.conf(5) "ENGINE TABLE".
struct ImageSettings {
  std::string pull_policy = "missing";        ///< What `run` and `create` do without --pull.
  std::size_t parallel_copies = 6;            ///< image_parallel_copies: blobs that are sent at once.
  std::string default_transport;              ///< image_default_transport, where it is not docker://.
  std::string compression_format;             ///< Of what is pushed; empty: as it is.
  std::optional<unsigned> compression_level;  ///< For --compression-format without --compression-level.
  std::string default_format = "oci";         ///< image_default_format: what `commit` makes; or "docker".
};

/// @throws Error invalid_argument, for a value that makes no sense.
ImageSettings load_image_settings(const Config& config);

}  // namespace engine
