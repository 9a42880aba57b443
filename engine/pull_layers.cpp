#include "engine/pull_layers.hpp"

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <sys/statvfs.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/lock.hpp"
#include "base/log.hpp"
#include "engine/layer_transfer.hpp"
#include "engine/unpacker.hpp"
#include "storage/blobs.hpp"
#include "storage/layers.hpp"
#include "storage/layout.hpp"
#include "storage/partial_blobs.hpp"

namespace engine {
namespace {

void check_free_space(const storage::Store& store, const ImageParts& parts, const std::vector<std::size_t>& missing,
                      bool keeps_blobs) {
  std::uint64_t needed = 0;  // at the very least: what is unpacked is seldom smaller than the compressed bytes
  for (const std::size_t index : missing) {
    const oci::Descriptor& layer = parts.parsed.layers[index];
    needed += layer.size_bytes * (keeps_blobs ? 2 : 1);
    needed -= std::min(needed, keeps_blobs ? storage::partial_bytes(store, layer.digest) : 0);
  }
  struct statvfs facts;
  if (::fstatvfs(store.root(), &facts) != 0) throw base::os_error("looking for free space");
  if (facts.f_blocks == 0) return;  // ramfs and some that FUSE serves do not tell
  const std::uint64_t available = static_cast<std::uint64_t>(facts.f_bavail) * facts.f_frsize;
  if (needed > available)
    throw base::make_error(base::ErrorKind::no_space, "the image needs at least ", base::human_size(needed),
                           ", but only ", base::human_size(available), " are free in ", base::quoted(store.root_path()))
        .with_hint("make room, or use another place with --root");
}

void report_present(Engine& engine, const ImageParts& parts, const std::vector<std::size_t>& missing) {
  for (std::size_t index = 0; index < parts.parsed.layers.size(); ++index) {
    if (std::binary_search(missing.begin(), missing.end(), index)) continue;
    const oci::Descriptor& layer = parts.parsed.layers[index];
    const std::string item = base::concat("layer ", layer.digest.short_hex());
    engine.progress.begin(item, layer.size_bytes);
    engine.progress.end(item, "already exists");
  }
}

storage::LayerMeta meta_of(const ImageParts& parts, const TransferredLayer& layer) {
  const oci::Descriptor& descriptor = parts.parsed.layers[layer.index];
  return {.diff_id = parts.config.diff_ids[layer.index],
          .blob = descriptor.digest,
          .media_type = descriptor.media_type,
          .blob_bytes = descriptor.size_bytes,
          .unpacked_bytes = layer.result.unpacked_bytes,
          .entries = layer.result.entries};
}

/// Everything that a layer consists of, so that one flush of the staging folder makes all layers durable.
void write_records(Engine& engine, const ImageParts& parts, const storage::Staging& staging,
                   const std::vector<TransferredLayer>& layers) {
  for (const TransferredLayer& layer : layers)
    storage::write_layer_records(staging.dir(), layer.folder, parts.chain_ids[layer.index], engine.variant(),
                                 meta_of(parts, layer));
}

const TransferredLayer* find_transferred(const std::vector<TransferredLayer>& layers, std::size_t index) {
  for (const TransferredLayer& layer : layers)
    if (layer.index == index) return &layer;
  return nullptr;
}

/// Of a layer, in the store's folder of layers.
std::string folder_of(const base::Digest& chain) {
  const std::string path = storage::layout::layer(chain);
  return path.substr(path.rfind('/') + 1);
}

std::vector<std::string> present_layers(const ImageParts& parts, const std::vector<std::size_t>& missing) {
  std::vector<std::string> present;
  for (std::size_t index = 0; index < parts.chain_ids.size(); ++index)
    if (!std::binary_search(missing.begin(), missing.end(), index))
      present.push_back(folder_of(parts.chain_ids[index]));
  return present;
}

AdoptJob::Lower lower_layer(const ImageParts& parts, const std::vector<TransferredLayer>& layers, std::size_t index) {
  if (const TransferredLayer* layer = find_transferred(layers, index)) return {true, layer->folder};
  return {false, folder_of(parts.chain_ids[index])};
}

/// From the lowest up, so that each takes over from layers that are complete.
void adopt_implied_directories(const ImageParts& parts, Unpacker& unpacker,
                               const std::vector<TransferredLayer>& layers) {
  for (const TransferredLayer& layer : layers) {
    if (layer.result.implied_directories == 0) continue;
    std::vector<AdoptJob::Lower> lowers;
    for (std::size_t index = layer.index; index-- > 0;) lowers.push_back(lower_layer(parts, layers, index));
    unpacker.adopt(layer.folder, std::move(lowers));
  }
}

void publish(Engine& engine, const ImageParts& parts, const storage::Staging& staging,
             std::vector<TransferredLayer>& layers) {
  for (TransferredLayer& layer : layers) {
    const oci::Descriptor& descriptor = parts.parsed.layers[layer.index];
    if (layer.blob) layer.blob->commit();
    storage::publish_layer(engine.store(), staging.dir(), layer.folder, parts.chain_ids[layer.index], engine.variant(),
                           meta_of(parts, layer));
    if (layer.result.skipped_devices > 0)
      base::log(base::LogLevel::info, "layer ", descriptor.digest.short_hex(), ": ", layer.result.skipped_devices,
                " device files were skipped");
    if (layer.result.dropped_xattrs > 0)
      base::log(base::LogLevel::info, "layer ", descriptor.digest.short_hex(), ": ", layer.result.dropped_xattrs,
                " extended attributes were dropped");
  }
}

struct Begun {
  std::vector<base::FileLock> stripes;
  storage::Staging staging;
  std::vector<std::size_t> missing;
};

/// The stripes first: who waits for another pull, and is interrupted then, leaves no staging folder.
Begun begin_pull(Engine& engine, const ImageParts& parts, const std::vector<base::Digest>& keep) {
  for (;;) {
    const std::vector<std::size_t> wanted = missing_layers(engine, parts);
    std::vector<base::FileLock> stripes = lock_stripes(engine.store(), parts, wanted);
    storage::Staging staging = storage::Staging::begin(engine.store());
    staging.keep(engine.store().hold_garbage(), keep);
    std::vector<std::size_t> missing = missing_layers(engine, parts);  // another pull may have been first
    // Else one was removed before we kept it: its stripe is needed as well, and stripes are taken in order.
    if (std::includes(wanted.begin(), wanted.end(), missing.begin(), missing.end()))
      return {std::move(stripes), std::move(staging), std::move(missing)};
  }
}

}  // namespace

std::vector<std::size_t> missing_layers(Engine& engine, const ImageParts& parts) {
  std::vector<std::size_t> missing;
  for (std::size_t index = 0; index < parts.chain_ids.size(); ++index)
    if (!storage::has_layer(engine.store(), parts.chain_ids[index], engine.variant())) missing.push_back(index);
  return missing;
}

/// In the order of the lock files, and each once although two layers may share one, so that pulls cannot wait for each
/// other in a circle.
std::vector<base::FileLock> lock_stripes(const storage::Store& store, const ImageParts& parts,
                                         const std::vector<std::size_t>& missing) {
  std::map<std::string, base::Digest> stripes;
  for (const std::size_t index : missing)
    stripes.emplace(storage::layout::pull_lock(parts.chain_ids[index]), parts.chain_ids[index]);
  std::vector<base::FileLock> locks;
  for (const auto& [name, digest] : stripes) locks.push_back(store.lock_digest(digest));
  return locks;
}

std::vector<TransferredLayer> stage_layers(Engine& engine, registry::ImageSource& source, const ImageParts& parts,
                                           const storage::Staging& staging, const std::vector<std::size_t>& indexes) {
  Unpacker unpacker(engine, staging, present_layers(parts, indexes));
  std::vector<TransferredLayer> layers =
      transfer_layers({engine, engine.store(), source, parts, staging, unpacker}, indexes);
  adopt_implied_directories(parts, unpacker, layers);
  unpacker.finish();
  write_records(engine, parts, staging, layers);
  staging.flush();
  return layers;
}

storage::Staging pull_layers(Engine& engine, registry::ImageSource& source, const ImageParts& parts,
                             const std::vector<base::Digest>& keep) {
  for (const oci::Descriptor& layer : parts.parsed.layers) oci::layer_compression(layer);  // refuses unknown types
  Begun begun = begin_pull(engine, parts, keep);
  const std::vector<std::size_t>& missing = begun.missing;
  storage::Staging& staging = begun.staging;
  report_present(engine, parts, missing);
  if (missing.empty()) return std::move(staging);
  check_free_space(engine.store(), parts, missing, engine.config.keep_blobs);

  storage::remove_old_partials(engine.store());
  std::vector<TransferredLayer> layers = stage_layers(engine, source, parts, staging, missing);
  publish(engine, parts, staging, layers);
  return std::move(staging);
}

std::uint64_t unpacked_bytes(const storage::Store& store, const ImageParts& parts) {
  std::uint64_t total = 0;
  for (const base::Digest& chain : parts.chain_ids)
    if (const auto meta = storage::read_layer_meta(store, chain)) total += meta->unpacked_bytes;
  return total;
}

}  // namespace engine
