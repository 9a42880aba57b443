#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

#include "engine/context.hpp"
#include "engine/copy.hpp"
#include "engine/remote.hpp"

// sync: many images from one place to another. Only in engine-transfer.

namespace engine {

enum class SyncPlace { docker, dir, yaml };
/// "docker", "dir", "yaml". @throws Error invalid_argument.
SyncPlace parse_sync_place(std::string_view text);

struct SyncOptions {
  SyncPlace from = SyncPlace::docker;
  SyncPlace to = SyncPlace::docker;  ///< Not yaml.
  std::string source;                ///< Repository or image; folder; file.
  std::string destination;           ///< "registry.example/mirror"; folder.
  bool scoped = false;               ///< The whole name of the source goes behind the destination's, not its end only.
  bool all = false;                  ///< Whole indexes.
  bool dry_run = false;              ///< Only says what would be copied; the destination is not asked.
  bool keep_going = false;           ///< A failure stops no other image.
  std::string append_suffix;         ///< Behind every tag.
  std::size_t jobs = 6;
  RemoteOptions remote_from;
  RemoteOptions remote_to;
};

struct SyncedImage {
  std::string source;  ///< "docker://quay.io/a/b:1"
  std::string destination;
  std::string digest;  ///< Empty for a dry run and after a failure.
  std::string error;
};

/// @param on_image  Told of each image when it is done.
/// @throws Error of the first failure; with keep_going, when all had their turn, one that counts them.
void sync_images(Engine& engine, const SyncOptions& options, const std::function<void(const SyncedImage&)>& on_image);

/// Pure. Where an image goes: "registry.example/mirror" and "quay.io/a/b" with ":1" to "registry.example/mirror/b:1",
/// or scoped "registry.example/mirror/quay.io/a/b:1".
std::string synced_name(const std::string& destination, const std::string& repository, const std::string& ending,
                        const SyncOptions& options);

}  // namespace engine
