#include "engine/store_source.hpp"

#include <optional>
#include <unistd.h>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/oci/manifest.hpp"
#include "storage/blobs.hpp"
#include "storage/prune.hpp"
#include "storage/trash.hpp"

namespace engine {
namespace {

constexpr std::size_t piece_bytes = 1024 * 1024;

std::string media_type_of(const std::variant<oci::Manifest, oci::Index>& parsed) {
  return std::visit([](const auto& either) { return either.media_type; }, parsed);
}

registry::ManifestBytes read_manifest(const storage::Store& store, const base::Digest& digest) {
  std::string bytes = storage::read_blob(store, digest, oci::max_manifest_bytes);
  std::string type = media_type_of(oci::parse_manifest(bytes, "", base::concat("manifest ", digest)));
  return {std::move(bytes), std::move(type), digest};
}

/// All that `digest` leads to are manifests that the store has, and whose blobs it has.
void check_whole(const storage::Store& store, const base::Digest& digest, const std::string& index_bytes) {
  const auto parsed = oci::parse_manifest(index_bytes, "", base::concat("index ", digest));
  const auto* index = std::get_if<oci::Index>(&parsed);
  if (index == nullptr) return;
  std::size_t missing = 0;
  for (const oci::Descriptor& manifest : index->manifests) {
    if (!storage::has_blob(store, manifest.digest)) ++missing;
  }
  if (missing == 0) return;
  throw base::make_error(base::ErrorKind::not_found, "the store has ", index->manifests.size() - missing, " of the ",
                         index->manifests.size(), " images of the index ", digest)
      .with_hint("engine copy --all takes a whole index from registry to registry");
}

/// Everything that hangs below a manifest or index, itself included.
void add_digests(const storage::Store& store, const registry::ManifestBytes& top, std::vector<base::Digest>& digests) {
  digests.push_back(top.digest);
  const auto parsed = oci::parse_manifest(top.bytes, top.media_type, base::concat("manifest ", top.digest));
  if (const auto* manifest = std::get_if<oci::Manifest>(&parsed)) {
    digests.push_back(manifest->config.digest);
    for (const oci::Descriptor& layer : manifest->layers) digests.push_back(layer.digest);
    return;
  }
  for (const oci::Descriptor& child : std::get<oci::Index>(parsed).manifests)
    add_digests(store, read_manifest(store, child.digest), digests);
}

base::Error not_kept(const oci::Descriptor& blob) {
  return base::make_error(base::ErrorKind::not_found, "the store has not kept the compressed bytes of layer ",
                          blob.digest)
      .with_hint("with keep_blobs = true in engine.conf, remove the image and pull it again");
}

}  // namespace

StoreSource::StoreSource(const storage::Store& store, storage::ImageRecord record, std::string name, StoreRoot root)
    : store_(store),
      record_(std::move(record)),
      name_(std::move(name)),
      root_(root),
      is_own_(storage::is_own_image(store, record_.manifest)),
      keeps_(storage::Staging::begin(store)) {
  const registry::ManifestBytes top = root_manifest();
  std::vector<base::Digest> digests{record_.manifest};
  add_digests(store, top, digests);
  keeps_->keep(store.hold_garbage(), digests);
}

StoreSource::~StoreSource() {
  try {
    keeps_.reset();
    if (!is_own_ || storage::is_own_image(store_, record_.manifest)) return;
    {
      const storage::GcLock lock = store_.lock_garbage();
      storage::remove_unneeded(store_, lock, record_.manifest);
      if (record_.index) storage::remove_unneeded(store_, lock, *record_.index);
    }
    storage::empty_trash(store_);
  } catch (const base::Error& error) {  // a prune takes it
    base::log(base::LogLevel::debug, error.message());
  }
}

registry::ManifestBytes StoreSource::root_manifest() {
  if (root_ == StoreRoot::manifest || !record_.index) return read_manifest(store_, record_.manifest);
  registry::ManifestBytes index = read_manifest(store_, *record_.index);
  check_whole(store_, index.digest, index.bytes);
  return index;
}

registry::ManifestBytes StoreSource::manifest(const oci::Descriptor& descriptor) {
  registry::ManifestBytes found = read_manifest(store_, descriptor.digest);
  found.media_type = descriptor.media_type;
  return found;
}

void StoreSource::blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) {
  const std::optional<base::UniqueFd> fd = storage::open_blob(store_, descriptor.digest);
  if (!fd) return fetch_anew(descriptor, sink, offset);
  std::vector<char> buffer(piece_bytes);
  for (std::uint64_t position = offset;;) {
    const ssize_t got = ::pread(fd->get(), buffer.data(), buffer.size(), static_cast<off_t>(position));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw base::os_error("reading blob ", descriptor.digest);
    if (got == 0) return;
    sink.write({buffer.data(), static_cast<std::size_t>(got)});
    position += static_cast<std::uint64_t>(got);
  }
}

void StoreSource::fetch_anew(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) {
  if (!origin_) throw not_kept(descriptor);
  base::with_context([&] { origin_->blob(descriptor, sink, offset); }, "layer ", descriptor.digest,
                     ", whose compressed bytes the store has not kept");
}

storage::ResolvedImage find_image_to_send(const storage::Store& store, const std::string& typed) {
  if (auto image = storage::resolve_image(store, typed)) return std::move(*image);
  throw base::make_error(base::ErrorKind::not_found, "image ", base::quoted(typed), " is not in the store")
      .with_hint("engine images lists what is there");
}

}  // namespace engine
