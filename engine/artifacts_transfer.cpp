#include <memory>
#include <mutex>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "base/oci/manifest.hpp"
#include "base/oci/reference.hpp"
#include "engine/artifacts.hpp"
#include "engine/image_policy.hpp"
#include "engine/images.hpp"
#include "engine/inflate.hpp"
#include "engine/remote_source.hpp"
#include "engine/send_image.hpp"
#include "engine/store_source.hpp"
#include "registry/open_destination.hpp"
#include "storage/blobs.hpp"
#include "storage/staging.hpp"

// artifact pull and push: between registries and the store, byte for byte.

namespace engine {
namespace {

/// The store, as what a pulled artifact is written to.
class ArtifactDestination final : public registry::ImageDestination {
 public:
  ArtifactDestination(const storage::Store& store, std::string name, const ImageTree& tree)
      : store_(store), name_(std::move(name)), staging_(storage::Staging::begin(store)) {
    std::vector<base::Digest> keep{tree.root.digest};
    for (const oci::Descriptor& blob : tree.blobs) keep.push_back(blob.digest);
    staging_.keep(store_.hold_garbage(), keep);
  }

  bool has_blob(const oci::Descriptor& blob) override { return storage::has_blob(store_, blob.digest); }
  void put_blob(const oci::Descriptor& blob, registry::ImageSource& source) override {
    auto writer = std::make_unique<storage::BlobWriter>(store_, staging_.dir(), blob.digest, blob.size_bytes);
    source.blob(blob, *writer, 0);
    writer->verify();
    const std::lock_guard lock(mutex_);
    writers_.push_back(std::move(writer));
  }
  void put_manifest(const registry::ManifestBytes& manifest) override {
    throw base::make_error(base::ErrorKind::unsupported, "an index of artifacts (", manifest.digest, ") is not kept");
  }
  void put_root(const registry::ManifestBytes& manifest) override { root_ = manifest; }
  void commit() override {
    staging_.flush();
    for (const auto& writer : writers_) writer->commit();
    storage::put_blob(store_, root_->digest, root_->bytes);
    const storage::GcHold hold = store_.hold_garbage();
    storage::set_artifact(store_, hold, name_, root_->digest);
    staging_.let_go(hold);
  }

 private:
  const storage::Store& store_;
  std::string name_;
  storage::Staging staging_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<storage::BlobWriter>> writers_;
  std::optional<registry::ManifestBytes> root_;
};

/// What the artifact is called in the store.
std::string stored_name(const OpenedImage& opened) {
  if (opened.transport == "docker") {
    const oci::Reference reference = oci::Reference::parse(opened.name);
    if (!reference.digest()) return reference.to_string();
    throw base::Error(base::ErrorKind::invalid_argument, "an artifact is pulled by a tag, under which it is kept");
  }
  const std::string suggested = opened.source->suggested_name();
  if (!suggested.empty()) return name_for_tagging(suggested);
  throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(opened.name), " has no name to keep it under");
}

void require_artifact_manifest(const registry::ManifestBytes& root) {
  const auto parsed = oci::parse_manifest(root.bytes, root.media_type, "manifest");
  const auto* manifest = std::get_if<oci::Manifest>(&parsed);
  if (manifest == nullptr) throw base::Error(base::ErrorKind::unsupported, "it is an index, not an artifact");
  const std::string& config = manifest->config.media_type;
  if (config != "application/vnd.oci.image.config.v1+json" &&
      config != "application/vnd.docker.container.image.v1+json")
    return;
  throw base::Error(base::ErrorKind::unsupported, "it is a container image, not an artifact")
      .with_hint("engine pull is for images");
}

}  // namespace

base::Digest pull_artifact(Engine& engine, const PullArtifactOptions& options) {
  return base::with_context(
      [&] {
        OpenedImage opened = open_image(engine, options.name, registry_options_of(engine, options.remote));
        check_policy(engine, opened, registry_options_of(engine, options.remote), {.whole_index = true});
        require_artifact_manifest(opened.root);
        const std::string name = stored_name(opened);
        const ImageTree tree = read_image_tree(*opened.source, std::move(opened.root));
        ArtifactDestination destination(engine.store(), name, tree);
        send_image(*opened.source, destination, tree, engine.progress);
        return tree.root.digest;
      },
      "pulling ", base::quoted(options.name));
}

PushedImage push_artifact(Engine& engine, const PushArtifactOptions& options) {
  const Artifact artifact = require_artifact(engine, options.name);
  registry::SourceName to =
      registry::parse_source_name(options.destination.empty() ? artifact.name : options.destination);
  if (to.transport == "docker") to.rest = oci::Reference::parse(to.rest).to_string();
  const std::string shown = base::concat(to.transport, to.transport == "docker" ? "://" : ":", to.rest);
  return base::with_context(
      [&] {
        // Of an image record only the manifest is looked at.
        StoreSource source(engine.store(),
                           {.manifest = artifact.digest,
                            .config = artifact.digest,
                            .index = std::nullopt,
                            .chain_ids = {},
                            .size_bytes = 0,
                            .created = {}},
                           artifact.name);
        const ImageTree tree = read_image_tree(source, source.root_manifest());
        const auto destination =
            registry::open_destination(to, registry_options_of(engine, options.remote), {}, layer_inflater());
        PushedImage pushed{.digest = artifact.digest, .destination = shown, .blobs = {}};
        for (const SentBlob& sent : send_image(source, *destination, tree, engine.progress))
          pushed.blobs.push_back({sent.blob.digest, sent.blob.size_bytes, sent.was_there});
        return pushed;
      },
      "pushing ", base::quoted(options.name), " to ", base::quoted(shown));
}

}  // namespace engine
