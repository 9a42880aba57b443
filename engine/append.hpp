#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/context.hpp"
#include "engine/mutate_config.hpp"
#include "engine/remote.hpp"

// append and mutate: an image made of another one, whose layers stay byte for byte what they are. Only in
// engine-transfer.

namespace engine {

/// What an image is made of, and where it goes.
struct DerivedPlace {
  std::string base;      ///< Name of the store first, then of a registry; or a transport and a place.
  std::string tag;       ///< A name of the store, or a transport and a place; empty: the store, without a name.
  std::string platform;  ///< Which image of an index.
  RemoteOptions remote;
};

struct AppendOptions {
  DerivedPlace place;
  std::vector<std::string> layers;  ///< Tars, compressed or not: files, URLs, "-"; the lowest first.
};

struct MutateOptions {
  DerivedPlace place;
  ConfigChanges changes;
  std::vector<std::string> annotations;  ///< "KEY=VALUE", of the manifest.
  std::vector<std::string> layers;       ///< As for append.
};

struct DerivedImage {
  std::string digest;       ///< Of the manifest.
  std::string id;           ///< Of the config, 64 digits.
  std::string destination;  ///< "containers-storage:localhost/a:1", "docker://…"; empty: it has no name.
};

DerivedImage append_layers(Engine& engine, const AppendOptions& options);
DerivedImage mutate_image(Engine& engine, const MutateOptions& options);

}  // namespace engine
