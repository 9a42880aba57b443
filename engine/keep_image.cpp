#include "engine/keep_image.hpp"

#include <algorithm>
#include <memory>

#include "base/log.hpp"
#include "engine/pull_layers.hpp"
#include "storage/blobs.hpp"
#include "storage/images.hpp"
#include "storage/staging.hpp"

namespace engine {
namespace {

void record_image(Engine& engine, const ImageParts& parts, const std::vector<std::string>& names,
                  const storage::Staging& staging) {
  const storage::Store& store = engine.store();
  if (parts.index) storage::put_blob(store, parts.index->digest, parts.index->bytes);
  storage::put_blob(store, parts.parsed.config.digest, parts.config_bytes);
  storage::put_blob(store, parts.manifest.digest, parts.manifest.bytes);
  const storage::GcHold hold = store.hold_garbage();
  storage::put_image(store, hold,
                     {.manifest = parts.manifest.digest,
                      .config = parts.parsed.config.digest,
                      .index = parts.index ? std::optional{parts.index->digest} : std::nullopt,
                      .chain_ids = parts.chain_ids,
                      .size_bytes = unpacked_bytes(store, parts),
                      .created = parts.config.created});
  for (const std::string& name : names) storage::set_ref(store, hold, name, parts.manifest.digest);
  staging.let_go(hold);
}

/// A layer that was here already may have come from other bytes: uncompressed in an archive, for example. Where ours
/// are at hand they are kept, too, or the image could be neither saved nor pushed as it is.
void keep_missing_blobs(Engine& engine, registry::ImageSource& source, const ImageParts& parts,
                        const storage::Staging& staging) {
  if (!engine.config.keep_blobs || source.is_remote()) return;
  std::vector<std::unique_ptr<storage::BlobWriter>> writers;
  for (const oci::Descriptor& layer : parts.parsed.layers) {
    const bool is_under_way =
        std::any_of(writers.begin(), writers.end(), [&](const auto& writer) { return writer->is_of(layer.digest); });
    if (is_under_way || storage::has_blob(engine.store(), layer.digest)) continue;
    writers.push_back(
        std::make_unique<storage::BlobWriter>(engine.store(), staging.dir(), layer.digest, layer.size_bytes));
    source.blob(layer, *writers.back(), 0);
    writers.back()->verify();
  }
  if (writers.empty()) return;
  staging.flush();
  for (const auto& writer : writers) writer->commit();
}

/// A manifest without an index is taken for any platform, as podman does, but not without a word.
void warn_of_platform(const oci::Platform& have, const std::string& platform) {
  if (platform.empty() || have.architecture.empty()) return;
  const oci::Platform wanted = oci::parse_platform(platform);
  if (have.os == wanted.os && have.architecture == wanted.architecture) return;
  base::log(base::LogLevel::warn, "image platform (", have.to_string(), ") does not match the expected platform (",
            wanted.to_string(), ")");
}

}  // namespace

std::vector<base::Digest> parts_to_keep(const ImageParts& parts) {
  std::vector<base::Digest> digests = parts.chain_ids;
  digests.push_back(parts.manifest.digest);
  digests.push_back(parts.parsed.config.digest);
  if (parts.index) digests.push_back(parts.index->digest);
  for (const oci::Descriptor& layer : parts.parsed.layers) digests.push_back(layer.digest);
  return digests;
}

std::string keep_image(Engine& engine, registry::ImageSource& source, registry::ManifestBytes root,
                       const std::vector<std::string>& names, const std::string& platform) {
  const std::string shown = names.empty() ? root.digest.text() : names.front();
  const ImageParts parts = fetch_parts(source, std::move(root), platform, shown);
  warn_of_platform(parts.config.platform, platform);
  const storage::Staging staging = pull_layers(engine, source, parts, parts_to_keep(parts));
  keep_missing_blobs(engine, source, parts, staging);
  const std::string item = base::concat("config ", parts.parsed.config.digest.short_hex());
  engine.progress.begin(item, parts.parsed.config.size_bytes);
  record_image(engine, parts, names, staging);
  engine.progress.end(item, "done");
  engine.progress.note("Writing manifest to image destination");
  return std::string{parts.parsed.config.digest.hex()};
}

}  // namespace engine
