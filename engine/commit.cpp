#include "engine/commit.hpp"

#include <algorithm>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "base/oci/manifest.hpp"
#include "engine/commit_config.hpp"
#include "engine/container_tree.hpp"
#include "engine/convert_manifest.hpp"
#include "engine/image_settings.hpp"
#include "engine/images.hpp"
#include "engine/keep_image.hpp"
#include "engine/selection.hpp"
#include "engine/store_source.hpp"
#include "registry/byte_range.hpp"
#include "registry/spool.hpp"
#include "runtime/spec.hpp"
#include "storage/blobs.hpp"
#include "storage/containers.hpp"
#include "storage/images.hpp"

namespace engine {
namespace {

using base::ErrorKind;
using base::make_error;
using base::quoted;

constexpr std::string_view layer_type = "application/vnd.oci.image.layer.v1.tar";
constexpr std::string_view config_type = "application/vnd.oci.image.config.v1+json";

struct Layer {
  registry::ByteRange bytes;
  oci::Descriptor descriptor;
};

/// The container's image, and what it is recorded as.
struct Container {
  storage::ContainerRecord record;
  runtime::Spec spec;
  storage::ImageRecord image;
  std::string image_config;
  std::string folder;  ///< Absolute path of what belongs to it.
};

oci::Descriptor describe(std::string_view media_type, base::Digest digest, std::uint64_t size_bytes) {
  return {.media_type = std::string{media_type},
          .digest = std::move(digest),
          .size_bytes = size_bytes,
          .platform = {},
          .annotations = {}};
}

Container read_container(Engine& engine, const std::string& name) {
  const storage::ContainerDir dir = require_container(engine, name);
  storage::ContainerRecord record = storage::read_record(dir);
  if (record.manifest.empty())
    throw make_error(ErrorKind::unsupported, "container ", quoted(name), " was made of a folder: it has no image")
        .with_hint(base::concat("engine export ", name, " | engine import - NAME"));
  auto image = storage::read_image(engine.store(), base::Digest::parse(record.manifest));
  if (!image)
    throw make_error(ErrorKind::corrupt, "the image of container ", quoted(name), " is not in the store")
        .with_hint("engine system check --repair");
  std::string config = storage::read_blob(engine.store(), image->config, oci::max_config_bytes);
  const std::string json = storage::read_config_json(dir, runtime::max_spec_bytes);
  runtime::Spec spec = runtime::parse_spec(json, "config.json of the container");
  return {std::move(record), std::move(spec), std::move(*image), std::move(config), dir.id};
}

/// A spooled file, hashed: what cannot be in the store before its digest is known.
Layer pack_layer(Engine& engine, const Container& container, bool everything) {
  registry::Spool spool(engine.config.spool);
  auto file = std::make_shared<const base::UniqueFd>(spool.take());
  pack_container_layer(engine, container.record.id, everything, file->get());
  const off_t size = ::lseek(file->get(), 0, SEEK_END);
  if (size < 0) throw base::os_error("looking at the layer");
  registry::ByteRange bytes{std::move(file), 0, static_cast<std::uint64_t>(size)};
  class Hash final : public base::Sink {
   public:
    void write(std::string_view piece) override { hash.update(piece); }
    base::Sha256 hash;
  } sink;
  registry::stream_range(bytes, 0, sink);
  oci::Descriptor descriptor = describe(layer_type, sink.hash.finish(), bytes.size_bytes);
  return {std::move(bytes), std::move(descriptor)};
}

/// Set by the engine in every container, not by the image or the user.
bool is_of_this_container(const Container& container, const std::string& variable) {
  const bool is_usual = variable.starts_with("HOSTNAME=") || variable.starts_with("HOME=");
  if (!is_usual) return false;
  const oci::ImageConfig image = oci::parse_image_config(container.image_config, "image config");
  return std::find(image.env.begin(), image.env.end(), variable) == image.env.end();
}

/// Where the user has something mounted: no system mount, and none of the files that we write beside the container.
std::vector<std::string> volumes_of(const Container& container) {
  std::vector<std::string> volumes;
  for (const runtime::Mount& mount : container.spec.mounts) {
    const std::string& at = mount.destination;
    const bool is_system = at == "/dev" || at.starts_with("/dev/") || at == "/proc" || at.starts_with("/sys");
    if (mount.type == "bind" && !is_system && mount.source.find(container.folder) == std::string::npos)
      volumes.push_back(at);
  }
  return volumes;
}

ImageChanges settings_of(const Container& container, const CommitOptions& options) {
  const oci::ImageConfig image = oci::parse_image_config(container.image_config, "image config");
  const storage::ContainerRecord& record = container.record;
  ChangeableSettings settings{.user = record.user, .ports = image.exposed_ports, .volumes = image.volumes};
  for (const std::string& variable : container.spec.process.env)
    if (!is_of_this_container(container, variable)) settings.env.push_back(variable);
  const auto entrypoint_end =
      record.command.begin() + static_cast<std::ptrdiff_t>(std::min(record.entrypoint_words, record.command.size()));
  settings.entrypoint = {record.command.begin(), entrypoint_end};
  settings.command = {entrypoint_end, record.command.end()};
  settings.work_dir = container.spec.process.cwd;
  settings.labels = image.labels;
  for (const auto& label : record.labels) settings.labels.push_back(label);
  settings.stop_signal = image.stop_signal;
  if (options.include_volumes)
    for (std::string& volume : volumes_of(container)) settings.volumes.push_back(std::move(volume));
  ImageChanges changes(settings);
  for (const std::string& change : options.changes) changes.apply(change);
  return changes;
}

/// Manifest and config of ours, the layers of the container's image, and the new one.
class CommittedSource final : public registry::ImageSource {
 public:
  CommittedSource(const storage::Store& store, const Container& container, Layer layer, std::string config,
                  const CommitOptions& options)
      : store_(store),
        base_(store, container.image, container.record.image_name),
        layer_(std::move(layer)),
        config_(std::move(config)) {
    if (!options.squash) base_layers_ = parse(base_.root_manifest()).layers;
    root_ = make_root(parse_manifest_format(options.format));
  }

  registry::ManifestBytes root_manifest() override { return *root_; }
  registry::ManifestBytes manifest(const oci::Descriptor&) override { return *root_; }
  void blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) override {
    if (descriptor.digest == layer_.descriptor.digest) return registry::stream_range(layer_.bytes, offset, sink);
    if (descriptor.digest == config_digest_) return sink.write(std::string_view{config_}.substr(offset));
    base_.blob(descriptor, sink, offset);
  }
  std::string suggested_name() const override { return {}; }
  /// The layers of the image are here as trees; where their bytes were not kept there is nothing to take them from.
  bool is_remote() const override {
    return std::any_of(base_layers_.begin(), base_layers_.end(),
                       [&](const oci::Descriptor& layer) { return !storage::has_blob(store_, layer.digest); });
  }

 private:
  static oci::Manifest parse(const registry::ManifestBytes& manifest) {
    return std::get<oci::Manifest>(oci::parse_manifest(manifest.bytes, manifest.media_type, "the manifest"));
  }

  static void write_descriptor(base::JsonWriter& json, const oci::Descriptor& descriptor) {
    json.begin_object().member("mediaType", descriptor.media_type).member("digest", descriptor.digest.text());
    json.member("size", descriptor.size_bytes).end_object();
  }

  /// Written in OCI's format, and converted where some of it, or all, is to be in Docker's.
  registry::ManifestBytes make_root(ManifestFormat format) const {
    base::JsonWriter json;
    json.begin_object().member("schemaVersion", 2).member("mediaType", oci::media_type_oci_manifest);
    json.key("config");
    write_descriptor(json, describe(config_type, config_digest_, config_.size()));
    json.key("layers").begin_array();
    for (const oci::Descriptor& layer : base_layers_) write_descriptor(json, layer_in_oci(layer));
    write_descriptor(json, layer_.descriptor);
    json.end_array().end_object();
    std::string bytes = json.take();
    base::Digest digest = base::sha256(bytes);
    registry::ManifestBytes root{std::move(bytes), std::string{oci::media_type_oci_manifest}, std::move(digest)};
    return format == ManifestFormat::oci ? root : convert_manifest(root, format);
  }

  static oci::Descriptor layer_in_oci(oci::Descriptor layer) {
    const std::string& type = layer.media_type;
    if (type.starts_with("application/vnd.docker."))
      layer.media_type = base::concat(layer_type, type.ends_with(".gzip")   ? "+gzip"
                                                  : type.ends_with(".zstd") ? "+zstd"
                                                                            : "");
    return layer;
  }

  const storage::Store& store_;
  StoreSource base_;
  Layer layer_;
  std::string config_;
  base::Digest config_digest_ = base::sha256(config_);
  std::vector<oci::Descriptor> base_layers_;
  std::optional<registry::ManifestBytes> root_;
};

/// What the user says of the image has no place in OCI's format but the last step.
std::string comment_of_step(const CommitOptions& options, const Container& container) {
  const bool is_of_step = !options.message.empty() && options.format != "docker";
  return is_of_step ? options.message : base::concat("FROM ", container.record.image_name);
}

}  // namespace

std::string commit(Engine& engine, const CommitOptions& options) {
  if (options.format.empty()) {
    CommitOptions settled = options;
    settled.format = load_image_settings(engine.config).default_format;
    return commit(engine, settled);
  }
  parse_manifest_format(options.format);
  std::vector<std::string> names;
  if (!options.name.empty()) names.push_back(name_for_tagging(options.name));
  return base::with_context(
      [&] {
        Engine of_container{config_for_containers(engine.config), engine.host, engine.progress};
        const Container container = read_container(of_container, options.container);
        const ImageChanges settings = settings_of(container, options);
        Layer layer = pack_layer(of_container, container, options.squash);
        const CommitConfig config{.base = container.image_config,
                                  .config = settings,
                                  .author = options.author,
                                  .comment = comment_of_step(options, container),
                                  .docker_comment = options.format == "docker" ? options.message : "",
                                  .created = base::format_rfc3339(base::now()),
                                  .diff_id = layer.descriptor.digest,
                                  .is_squashed = options.squash};
        CommittedSource source(of_container.store(), container, std::move(layer), make_commit_config(config), options);
        return keep_image(engine, source, source.root_manifest(), names, "");
      },
      "committing ", quoted(options.container));
}

}  // namespace engine
