#include "engine/append.hpp"

#include <algorithm>
#include <memory>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/oci/reference.hpp"
#include "engine/image_policy.hpp"
#include "engine/images.hpp"
#include "engine/inflate.hpp"
#include "engine/keep_image.hpp"
#include "engine/pull_source.hpp"
#include "engine/remote_source.hpp"
#include "engine/send_image.hpp"
#include "registry/byte_range.hpp"
#include "registry/open_destination.hpp"
#include "registry/tarball.hpp"

namespace engine {
namespace {

constexpr std::size_t piece_bytes = 256 * 1024;

/// The bytes of a range in order, hashed on their way.
class HashedRange final : public base::Source {
 public:
  explicit HashedRange(registry::ByteRange range) : range_(std::move(range)) {}
  std::size_t read(void* buffer, std::size_t size) override {
    const std::string piece = registry::read_piece(range_, position_, size);
    std::copy(piece.begin(), piece.end(), static_cast<char*>(buffer));
    position_ += piece.size();
    hash_.update(piece);
    return piece.size();
  }
  base::Digest digest() { return hash_.finish(); }

 private:
  registry::ByteRange range_;
  std::uint64_t position_ = 0;
  base::Sha256 hash_;
};

struct TarLayer {
  registry::ByteRange bytes;
  AddedLayer added;
};

base::Digest hash_all(base::Source& source) {
  base::Sha256 hash;
  const auto buffer = std::make_unique<char[]>(piece_bytes);
  while (const std::size_t got = source.read(buffer.get(), piece_bytes)) hash.update(buffer.get(), got);
  return hash.finish();
}

TarLayer read_layer(const Engine& engine, const std::string& place) {
  std::shared_ptr<const base::UniqueFd> file =
      registry::open_tarball(place, {.limits = engine.config.network}, engine.config.spool);
  const off_t size = ::lseek(file->get(), 0, SEEK_END);
  if (size < 0) throw base::os_error("looking at ", base::quoted(place));
  registry::ByteRange bytes{std::move(file), 0, static_cast<std::uint64_t>(size)};
  const std::string magic = registry::read_piece(bytes, 0, 4);
  const char* compression = magic.starts_with("\x1f\x8b") ? "+gzip" : magic == "\x28\xb5\x2f\xfd" ? "+zstd" : "";
  HashedRange source(bytes);
  const std::unique_ptr<base::Source> plain = layer_inflater()(source, oci::LayerCompression::none);
  base::Digest diff_id = hash_all(*plain);
  hash_all(source);  // what an inflater leaves behind the end of its last member
  oci::Descriptor descriptor{.media_type = base::concat("application/vnd.oci.image.layer.v1.tar", compression),
                             .digest = source.digest(),
                             .size_bytes = bytes.size_bytes,
                             .platform = {},
                             .annotations = {}};
  return {std::move(bytes), {std::move(descriptor), std::move(diff_id)}};
}

/// The new manifest and config over the blobs of the base and the added layers.
class DerivedSource final : public registry::ImageSource {
 public:
  DerivedSource(registry::ImageSource& base, std::vector<TarLayer> layers, std::string config,
                registry::ManifestBytes root)
      : base_(base),
        layers_(std::move(layers)),
        config_(std::move(config)),
        config_digest_(base::sha256(config_)),
        root_(std::move(root)) {}
  registry::ManifestBytes root_manifest() override { return root_; }
  registry::ManifestBytes manifest(const oci::Descriptor& descriptor) override { return base_.manifest(descriptor); }
  void blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) override {
    if (descriptor.digest == config_digest_) return sink.write(std::string_view{config_}.substr(offset));
    for (const TarLayer& layer : layers_)
      if (layer.added.descriptor.digest == descriptor.digest) return registry::stream_range(layer.bytes, offset, sink);
    base_.blob(descriptor, sink, offset);
  }
  std::string suggested_name() const override { return {}; }
  bool is_remote() const override { return base_.is_remote(); }

 private:
  registry::ImageSource& base_;
  std::vector<TarLayer> layers_;
  std::string config_;
  base::Digest config_digest_;
  registry::ManifestBytes root_;
};

OpenedImage open_base(Engine& engine, const std::string& typed, const registry::RegistryOptions& options) {
  const bool has_transport = name_in_store(typed) || typed.starts_with("docker://") ||
                             registry::parse_source_name(typed).transport != "docker";
  if (!has_transport && storage::resolve_image(engine.store(), typed))
    return open_image(engine, base::concat("containers-storage:", typed), options);
  return open_image(engine, typed, options);
}

DerivedSource derive(OpenedImage& base, const MutateOptions& options, std::vector<TarLayer> layers) {
  const ImageParts parts = fetch_parts(*base.source, base.root, options.place.platform, base.name);
  std::vector<AddedLayer> added;
  for (const TarLayer& layer : layers) added.push_back(layer.added);
  std::string config = change_config(parts.config_bytes, options.changes, added, base::format_rfc3339(base::now()));
  const oci::Descriptor descriptor{.media_type = parts.parsed.config.media_type,
                                   .digest = base::sha256(config),
                                   .size_bytes = config.size(),
                                   .platform = {},
                                   .annotations = {}};
  std::string manifest = change_manifest(parts.manifest.bytes, descriptor, added, options.annotations);
  base::Digest digest = base::sha256(manifest);
  const std::string type = media_type_of(parts.manifest);
  return {*base.source, std::move(layers), std::move(config), {std::move(manifest), type, std::move(digest)}};
}

std::string keep(Engine& engine, DerivedSource& source, const std::string& name) {
  std::vector<std::string> names;
  if (!name.empty()) names.push_back(name_for_tagging(name));
  keep_image(engine, source, source.root_manifest(), names, "");
  return names.empty() ? std::string{} : base::concat("containers-storage:", names.front());
}

std::string send(Engine& engine, DerivedSource& source, const std::string& place,
                 const registry::RegistryOptions& options) {
  registry::SourceName to = registry::parse_source_name(place);
  if (to.transport == "docker") to.rest = oci::Reference::parse(to.rest).to_string();
  const ImageTree tree = read_image_tree(source, source.root_manifest());
  const auto destination = registry::open_destination(to, options, {}, layer_inflater());
  send_image(source, *destination, tree, engine.progress);
  return base::concat(to.transport, to.transport == "docker" ? "://" : ":", to.rest);
}

/// A name alone is one of the store; anything with a transport is somewhere else.
bool is_in_store(const std::string& tag) {
  return tag.empty() || name_in_store(tag) ||
         (!tag.starts_with("docker://") && registry::parse_source_name(tag).transport == "docker");
}

}  // namespace

DerivedImage mutate_image(Engine& engine, const MutateOptions& options) {
  const registry::RegistryOptions registry = registry_options_of(engine, options.place.remote);
  return base::with_context(
      [&] {
        OpenedImage base = open_base(engine, options.place.base, registry);
        check_policy(engine, base, registry, {.platform = options.place.platform});
        std::vector<TarLayer> layers;
        for (const std::string& layer : options.layers) layers.push_back(read_layer(engine, layer));
        DerivedSource source = derive(base, options, std::move(layers));
        const registry::ManifestBytes root = source.root_manifest();
        DerivedImage image{.digest = root.digest.text(), .id = {}, .destination = {}};
        const auto parsed = oci::parse_manifest(root.bytes, root.media_type, "new manifest");
        image.id = std::string{std::get<oci::Manifest>(parsed).config.digest.hex()};
        const std::string& tag = options.place.tag;
        image.destination = is_in_store(tag) ? keep(engine, source, name_in_store(tag).value_or(tag))
                                             : send(engine, source, tag, registry);
        return image;
      },
      "making an image of ", base::quoted(options.place.base));
}

DerivedImage append_layers(Engine& engine, const AppendOptions& options) {
  MutateOptions same;
  same.place = options.place;
  same.layers = options.layers;
  return mutate_image(engine, same);
}

}  // namespace engine
