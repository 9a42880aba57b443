#include "engine/repair_image.hpp"

#include <algorithm>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "engine/error_bytes.hpp"
#include "engine/pull_layers.hpp"
#include "engine/pull_source.hpp"
#include "engine/reconcile.hpp"
#include "engine/repair_source.hpp"
#include "storage/blobs.hpp"
#include "storage/images.hpp"
#include "storage/prune_reachable.hpp"
#include "storage/repair.hpp"
#include "storage/staging.hpp"

// `engine-transfer _repair`: one image is made whole again. New things are made in staging, flushed, and put in the
// place of the damaged ones by renames; killed in between, the next repair goes on.

namespace engine {
namespace {

registry::RegistryOptions registry_of(const Engine& engine, const RepairImageOptions& options) {
  PullOptions pull;
  pull.tls_verify = options.tls_verify;
  pull.auth_file = options.auth_file;
  pull.creds = options.creds;
  pull.cert_dir = options.cert_dir;
  return registry_options(engine, pull);
}

std::vector<std::size_t> layers_to_make(Engine& engine, const ImageParts& parts, const RepairImageOptions& options) {
  std::vector<std::size_t> indexes = missing_layers(engine, parts);
  for (std::size_t i = 0; i < parts.chain_ids.size(); ++i)
    if (std::find(options.layers.begin(), options.layers.end(), parts.chain_ids[i].text()) != options.layers.end())
      indexes.push_back(i);
  std::sort(indexes.begin(), indexes.end());
  indexes.erase(std::unique(indexes.begin(), indexes.end()), indexes.end());
  return indexes;
}

bool uses_one_of(const storage::ContainerRecord& record, const ImageParts& parts,
                 const std::vector<std::size_t>& layers) {
  return std::any_of(layers.begin(), layers.end(), [&](std::size_t index) {
    return std::find(record.chain_ids.begin(), record.chain_ids.end(), parts.chain_ids[index].text()) !=
           record.chain_ids.end();
  });
}

/// `alive` of every container that has one of these layers mounted when it runs: none of them runs, and none can be
/// started, while these are held. With the exclusive garbage lock no new one appears.
/// @throws Error in_use, when one runs.
std::vector<base::FileLock> lock_users(Engine& engine, const ImageParts& parts,
                                       const std::vector<std::size_t>& layers) {
  std::vector<base::FileLock> locks;
  for (const std::string& id : storage::peek_container_ids(engine.store())) {
    const auto container = storage::open_container(engine.store(), id);
    if (!container) continue;
    const storage::ContainerRecord record = record_or_id(*container);
    if (record.driver == "copy" || record.variant != engine.variant() || !uses_one_of(record, parts, layers)) continue;
    std::optional<base::FileLock> alive;
    try {
      alive = take_alive(*container, engine.host.boot_id);
    } catch (const base::Error& error) {
      if (error.kind() != base::ErrorKind::not_found) throw;
      continue;  // it was removed at this moment
    }
    if (!alive)
      throw base::make_error(base::ErrorKind::in_use, "container ", base::quoted(record.name),
                             " runs on a layer that must be replaced")
          .with_hint(base::concat("engine stop ", record.name, ", then repair again"));
    locks.push_back(std::move(*alive));
  }
  return locks;
}

/// Whatever lies under its name is replaced.
void stage_blob(std::vector<std::unique_ptr<storage::BlobWriter>>& blobs, Engine& engine,
                const storage::Staging& staging, const base::Digest& digest, std::string_view bytes) {
  blobs.push_back(std::make_unique<storage::BlobWriter>(engine.store(), staging.dir(), digest, bytes.size()));
  blobs.back()->write(bytes);
  blobs.back()->verify();
}

void fetch_blobs(std::vector<std::unique_ptr<storage::BlobWriter>>& blobs, Engine& engine, RepairSource& source,
                 const storage::Staging& staging, const ImageParts& parts, const RepairImageOptions& options) {
  for (const oci::Descriptor& layer : parts.parsed.layers) {
    const std::string& digest = layer.digest.text();
    if (std::find(options.blobs.begin(), options.blobs.end(), digest) == options.blobs.end()) continue;
    const bool is_there =
        std::any_of(blobs.begin(), blobs.end(), [&](const auto& blob) { return blob->is_of(layer.digest); });
    if (is_there) continue;
    engine.progress.begin(base::concat("blob ", layer.digest.short_hex()), layer.size_bytes);
    blobs.push_back(
        std::make_unique<storage::BlobWriter>(engine.store(), staging.dir(), layer.digest, layer.size_bytes));
    source.blob(layer, *blobs.back(), 0);
    blobs.back()->verify();
    engine.progress.end(base::concat("blob ", layer.digest.short_hex()), "done");
  }
}

void replace_layers(Engine& engine, const storage::Staging& staging, const ImageParts& parts,
                    const std::vector<TransferredLayer>& layers) {
  if (layers.empty()) return;
  std::vector<std::size_t> indexes;
  for (const TransferredLayer& layer : layers) indexes.push_back(layer.index);
  const storage::GcLock lock = engine.store().lock_garbage();
  const std::vector<base::FileLock> users = lock_users(engine, parts, indexes);
  for (const TransferredLayer& layer : layers)
    storage::replace_layer(engine.store(), lock, staging.dir(), layer.folder, parts.chain_ids[layer.index],
                           engine.variant());
}

void write_record(Engine& engine, const ImageParts& parts) {
  const storage::GcHold hold = engine.store().hold_garbage();
  storage::put_image(engine.store(), hold,
                     {.manifest = parts.manifest.digest,
                      .config = parts.parsed.config.digest,
                      .index = std::nullopt,
                      .chain_ids = parts.chain_ids,
                      .size_bytes = unpacked_bytes(engine.store(), parts),
                      .created = parts.config.created});
}

std::vector<base::Digest> parts_to_keep(const ImageParts& parts) {
  std::vector<base::Digest> digests{parts.manifest.digest, parts.parsed.config.digest};
  digests.insert(digests.end(), parts.chain_ids.begin(), parts.chain_ids.end());
  for (const oci::Descriptor& layer : parts.parsed.layers) digests.push_back(layer.digest);
  return digests;
}

}  // namespace

void repair_image(Engine& engine, const RepairImageOptions& options) {
  RepairSource source(engine.store(), base::Digest::parse(options.manifest), options.repositories,
                      registry_of(engine, options));
  const ImageParts parts = fetch_parts(source, source.root_manifest(), "", options.manifest);
  for (const oci::Descriptor& layer : parts.parsed.layers) oci::layer_compression(layer);  // refuses unknown types
  const storage::Staging staging = storage::Staging::begin(engine.store());
  staging.keep(engine.store().hold_garbage(), parts_to_keep(parts));
  const std::vector<std::size_t> indexes = layers_to_make(engine, parts, options);
  const std::vector<base::FileLock> stripes = lock_stripes(engine.store(), parts, indexes);
  {
    const storage::GcLock lock = engine.store().lock_garbage();
    lock_users(engine, parts, indexes);  // looked at again before the layers are replaced; now it is only early
  }
  std::vector<TransferredLayer> layers;
  if (!indexes.empty()) layers = stage_layers(engine, source, parts, staging, indexes);
  std::vector<std::unique_ptr<storage::BlobWriter>> blobs;
  for (TransferredLayer& layer : layers)
    if (layer.blob) blobs.push_back(std::move(layer.blob));
  fetch_blobs(blobs, engine, source, staging, parts, options);
  if (options.record) {
    stage_blob(blobs, engine, staging, parts.parsed.config.digest, parts.config_bytes);
    stage_blob(blobs, engine, staging, parts.manifest.digest, parts.manifest.bytes);
  }
  staging.flush();
  for (const auto& blob : blobs) blob->commit();
  replace_layers(engine, staging, parts, layers);
  if (options.record) write_record(engine, parts);
}

int repair_image_for_parent(Engine& engine, const RepairImageOptions& options) {
  std::string outcome;
  try {
    repair_image(engine, options);
  } catch (const base::Error& error) {
    outcome = encode_error(error);
  }
  base::write_all(STDOUT_FILENO, outcome);
  return 0;
}

}  // namespace engine
