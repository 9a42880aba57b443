#include <optional>

#include "base/error.hpp"
#include "base/oci/manifest.hpp"
#include "base/oci/reference.hpp"
#include "base/stream.hpp"
#include "base/text.hpp"
#include "engine/pull_source.hpp"
#include "engine/remote.hpp"
#include "engine/remote_source.hpp"

// blob ls and blob cat.

namespace engine {
namespace {

constexpr unsigned max_nested_indexes = 4;

BlobSummary summary(std::string kind, const oci::Descriptor& descriptor) {
  return {.kind = std::move(kind),
          .digest = descriptor.digest.text(),
          .media_type = descriptor.media_type,
          .size_bytes = descriptor.size_bytes,
          .platform = descriptor.platform ? descriptor.platform->to_string() : ""};
}

void add_parts(std::vector<BlobSummary>& blobs, const oci::Manifest& manifest) {
  blobs.push_back(summary("config", manifest.config));
  for (const oci::Descriptor& layer : manifest.layers) blobs.push_back(summary("layer", layer));
}

/// What `manifest` names, and what that names.
void add_all(std::vector<BlobSummary>& blobs, registry::ImageSource& source, const registry::ManifestBytes& manifest,
             const std::string& name, unsigned depth) {
  const auto parsed = oci::parse_manifest(manifest.bytes, manifest.media_type, base::concat("manifest of ", name));
  if (const auto* image = std::get_if<oci::Manifest>(&parsed)) return add_parts(blobs, *image);
  if (depth == max_nested_indexes) throw base::make_error(base::ErrorKind::corrupt, "indexes are nested too deep");
  for (const oci::Descriptor& child : std::get<oci::Index>(parsed).manifests) {
    registry::ManifestBytes bytes = source.manifest(child);
    blobs.push_back(summary("manifest", child));
    add_all(blobs, source, bytes, name, depth + 1);
  }
}

BlobSummary summary(std::string kind, const registry::ManifestBytes& manifest) {
  return {.kind = std::move(kind),
          .digest = manifest.digest.text(),
          .media_type = media_type_of(manifest),
          .size_bytes = manifest.bytes.size(),
          .platform = {}};
}

/// Hashes what passes.
class HashingSink final : public base::Sink {
 public:
  explicit HashingSink(base::Sink& to) : to_(to) {}
  void write(std::string_view bytes) override {
    hash_.update(bytes);
    size_bytes_ += bytes.size();
    to_.write(bytes);
  }
  void verify(const oci::Descriptor& expected) {
    const base::Digest digest = hash_.finish();
    if (digest != expected.digest || size_bytes_ != expected.size_bytes)
      throw base::make_error(base::ErrorKind::corrupt, "blob ", expected.digest, " came with the digest ", digest,
                             " and ", size_bytes_, " bytes");
  }

 private:
  base::Sink& to_;
  base::Sha256 hash_;
  std::uint64_t size_bytes_ = 0;
};

/// The descriptor of one of the image's parts: a blob has no size but the one that a manifest gives it.
std::optional<oci::Descriptor> find_part(registry::ImageSource& source, const registry::ManifestBytes& manifest,
                                         const base::Digest& wanted, unsigned depth) {
  const auto parsed = oci::parse_manifest(manifest.bytes, manifest.media_type, "manifest");
  if (const auto* image = std::get_if<oci::Manifest>(&parsed)) {
    if (image->config.digest == wanted) return image->config;
    for (const oci::Descriptor& layer : image->layers)
      if (layer.digest == wanted) return layer;
    return std::nullopt;
  }
  if (depth == max_nested_indexes) throw base::make_error(base::ErrorKind::corrupt, "indexes are nested too deep");
  for (const oci::Descriptor& child : std::get<oci::Index>(parsed).manifests) {
    registry::ManifestBytes bytes = source.manifest(child);
    if (const auto found = find_part(source, bytes, wanted, depth + 1)) return found;
  }
  return std::nullopt;
}

/// "IMAGE@DIGEST" names a blob that has no tag: the image is then the one that its name alone means.
struct BlobName {
  std::string image;
  base::Digest digest;
};
BlobName parse_blob_name(const BlobOptions& options) {
  if (!options.digest.empty()) return {options.image, base::Digest::parse(options.digest)};
  const std::size_t at = options.image.rfind('@');
  if (at == std::string::npos)
    throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(options.image), " names no blob")
        .with_hint("engine blob cat IMAGE DIGEST; engine blob ls IMAGE shows the digests");
  return {options.image.substr(0, at), base::Digest::parse(options.image.substr(at + 1))};
}

/// The manifests on the way are blobs for this command, too.
std::optional<std::string> manifest_with(registry::ImageSource& source, const registry::ManifestBytes& root,
                                         const base::Digest& wanted) {
  if (root.digest == wanted) return root.bytes;
  const auto parsed = oci::parse_manifest(root.bytes, root.media_type, "manifest");
  const auto* index = std::get_if<oci::Index>(&parsed);
  if (index == nullptr) return std::nullopt;
  for (const oci::Descriptor& child : index->manifests)
    if (child.digest == wanted) return source.manifest(child).bytes;
  return std::nullopt;
}

}  // namespace

std::vector<BlobSummary> list_blobs(Engine& engine, const BlobOptions& options) {
  const registry::RegistryOptions registry = registry_options_of(engine, options.remote);
  OpenedImage image = open_image(engine, options.image, registry, options.all);
  std::vector<BlobSummary> blobs;
  if (options.all) {
    const auto parsed = oci::parse_manifest(image.root.bytes, image.root.media_type, "manifest");
    blobs.push_back(summary(std::holds_alternative<oci::Index>(parsed) ? "index" : "manifest", image.root));
    add_all(blobs, *image.source, image.root, image.name, 0);
    return blobs;
  }
  const ChosenManifest chosen = choose_for_platform(*image.source, std::move(image.root), options.platform, image.name);
  if (chosen.index) blobs.push_back(summary("index", *chosen.index));
  blobs.push_back(summary("manifest", chosen.manifest));
  add_parts(blobs, chosen.parsed);
  return blobs;
}

void write_blob(Engine& engine, const BlobOptions& options, base::Sink& to) {
  const registry::RegistryOptions registry = registry_options_of(engine, options.remote);
  const BlobName name = parse_blob_name(options);
  const OpenedImage image = open_image(engine, name.image, registry);
  if (const auto bytes = manifest_with(*image.source, image.root, name.digest)) return to.write(*bytes);
  const std::optional<oci::Descriptor> part = find_part(*image.source, image.root, name.digest, 0);
  if (!part)
    throw base::make_error(base::ErrorKind::not_found, image.name, " has no blob ", name.digest)
        .with_hint(base::concat("engine blob ls --all ", options.image, " shows its blobs"));
  HashingSink output{to};
  image.source->blob(*part, output, 0);
  output.verify(*part);
}

}  // namespace engine
