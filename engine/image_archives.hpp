#pragma once

#include <functional>
#include <string>
#include <vector>

#include "engine/context.hpp"

// The verbs that move images between the store and files. Only in engine-transfer.

namespace engine {

struct SaveOptions {
  std::vector<std::string> images;  ///< Without `several`: an image and more names for it.
  std::string format = "docker-archive";
  std::string output;     ///< Empty: standard output.
  bool several = false;   ///< Every word is an image of its own.
  bool compress = false;  ///< docker-dir: layers that lie uncompressed are compressed with gzip.
};
/// @throws Error not_found, invalid_argument, no_space …; nothing is left of what was begun.
void save_images(Engine& engine, const SaveOptions& options);

struct LoadedImage {
  std::string id;  ///< 64 hex
  std::vector<std::string> names;
};
/// @param input  Archive or folder; "-" is standard input.
/// @param on_loaded  Called for each image when it is in the store.
void load_images(Engine& engine, const std::string& input, const std::function<void(const LoadedImage&)>& on_loaded);

struct ImportOptions {
  std::string source;                ///< Path, URL or "-".
  std::string name;                  ///< May be empty.
  std::vector<std::string> changes;  ///< "CMD [...]", as lines of a Dockerfile.
  std::string message;
  std::string os, architecture, variant;  ///< Empty: this machine's.
};
/// Makes an image of one layer from the tar of a file system, compressed or not. Returns its id, 64 hex.
std::string import_image(Engine& engine, const ImportOptions& options);

}  // namespace engine
