#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/context.hpp"
#include "engine/pull_source.hpp"
#include "engine/unpacker.hpp"
#include "registry/image_source.hpp"
#include "storage/blobs.hpp"
#include "storage/staging.hpp"
#include "storage/unpack.hpp"

namespace engine {

struct TransferContext {
  const Engine& engine;
  const storage::Store& store;
  registry::ImageSource& source;
  const ImageParts& parts;
  const storage::Staging& staging;
  Unpacker& unpacker;
};

/// A layer that lies unpacked, but not flushed, in `folder` of the staging folder.
struct TransferredLayer {
  std::size_t index = 0;  ///< Into the layers of the image.
  std::string folder;
  std::unique_ptr<storage::BlobWriter> blob;  ///< Verified; none when it was in the store or is not to be kept.
  storage::UnpackResult result;
};

/// Fetches (or takes from the store) and unpacks these layers, two at a time; in the order of `indexes`. What was
/// fetched from a registry before a failure, or before we are killed, stays in partial/ for the next pull to go on
/// with.
/// @throws the first Error; the other layer stops then.
std::vector<TransferredLayer> transfer_layers(const TransferContext& context, const std::vector<std::size_t>& indexes);

}  // namespace engine
