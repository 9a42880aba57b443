#pragma once

#include <cstdint>
#include <vector>

#include "base/lock.hpp"
#include "engine/context.hpp"
#include "engine/layer_transfer.hpp"
#include "engine/pull_source.hpp"
#include "registry/image_source.hpp"
#include "storage/staging.hpp"

namespace engine {

/// Makes every layer of the image present for this caller's id variant: fetches what is missing, unpacks it in the
/// child, flushes once, publishes. When all are there, nothing is started.
///
/// Two layers are under way at a time, each streaming: network -> (file, SHA-256) and pipe -> the child's inflating
/// thread -> its writing thread. The stripes of the missing layers are held meanwhile, so that a second pull of the
/// same layer waits and then finds it. When we are killed, the child removes the staging folder (unpack_protocol.hpp).
///
/// What is returned keeps `keep`, the image's parts, from garbage collection until the caller has recorded the image.
storage::Staging pull_layers(Engine& engine, registry::ImageSource& source, const ImageParts& parts,
                             const std::vector<base::Digest>& keep);

// The steps of it, for who needs them otherwise (repair_image.cpp).

/// Which layers are not unpacked for this caller's ids. Ascending.
std::vector<std::size_t> missing_layers(Engine& engine, const ImageParts& parts);
/// The stripes of these layers, in the order of the lock files, and each once although two layers may share one, so
/// that pulls cannot wait for each other in a circle.
std::vector<base::FileLock> lock_stripes(const storage::Store& store, const ImageParts& parts,
                                         const std::vector<std::size_t>& indexes);
/// Fetches, or takes from kept blobs, and unpacks these layers into `staging`, with their records, and flushes. The
/// other layers of the image are in the store. `indexes` ascend.
std::vector<TransferredLayer> stage_layers(Engine& engine, registry::ImageSource& source, const ImageParts& parts,
                                           const storage::Staging& staging, const std::vector<std::size_t>& indexes);

/// Sum of the unpacked sizes of the image's layers, in bytes. All must be present.
std::uint64_t unpacked_bytes(const storage::Store& store, const ImageParts& parts);

}  // namespace engine
