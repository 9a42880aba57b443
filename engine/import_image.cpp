#include <algorithm>
#include <memory>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "base/oci/manifest.hpp"
#include "engine/events.hpp"
#include "engine/image_archives.hpp"
#include "engine/image_changes.hpp"
#include "engine/images.hpp"
#include "engine/inflate.hpp"
#include "engine/keep_image.hpp"
#include "registry/byte_range.hpp"
#include "registry/tarball.hpp"

// import: the tar of a file system becomes an image of one layer, whose bytes stay as they are.

namespace engine {
namespace {

constexpr std::size_t piece_bytes = 256 * 1024;
constexpr std::string_view config_type = "application/vnd.oci.image.config.v1+json";

/// The bytes of a range, in order.
class RangeSource final : public base::Source {
 public:
  explicit RangeSource(registry::ByteRange range) : range_(std::move(range)) {}
  std::size_t read(void* buffer, std::size_t size) override {
    const std::string piece = registry::read_piece(range_, position_, size);
    std::copy(piece.begin(), piece.end(), static_cast<char*>(buffer));
    position_ += piece.size();
    hash_.update(piece);
    return piece.size();
  }
  /// Of everything, when it was read to its end.
  base::Digest digest() { return hash_.finish(); }

 private:
  registry::ByteRange range_;
  std::uint64_t position_ = 0;
  base::Sha256 hash_;
};

struct ImportedLayer {
  registry::ByteRange bytes;
  oci::Descriptor descriptor;
  base::Digest diff_id;
};

std::string layer_type(const registry::ByteRange& bytes) {
  const std::string magic = registry::read_piece(bytes, 0, 4);
  const char* compression = magic.starts_with("\x1f\x8b") ? "+gzip" : magic == "\x28\xb5\x2f\xfd" ? "+zstd" : "";
  return base::concat("application/vnd.oci.image.layer.v1.tar", compression);
}

base::Digest hash_all(base::Source& source) {
  base::Sha256 hash;
  const auto buffer = std::make_unique<char[]>(piece_bytes);
  while (const std::size_t got = source.read(buffer.get(), piece_bytes)) hash.update(buffer.get(), got);
  return hash.finish();
}

ImportedLayer read_layer(std::shared_ptr<const base::UniqueFd> file) {
  const off_t size = ::lseek(file->get(), 0, SEEK_END);
  if (size < 0) throw base::os_error("looking at the tar");
  registry::ByteRange bytes{std::move(file), 0, static_cast<std::uint64_t>(size)};
  RangeSource source(bytes);
  const std::unique_ptr<base::Source> plain = layer_inflater()(source, oci::LayerCompression::none);
  base::Digest diff_id = hash_all(*plain);
  hash_all(source);  // what an inflater leaves behind the end of its last member
  oci::Descriptor descriptor{.media_type = layer_type(bytes),
                             .digest = source.digest(),
                             .size_bytes = bytes.size_bytes,
                             .platform = {},
                             .annotations = {}};
  return {std::move(bytes), std::move(descriptor), std::move(diff_id)};
}

oci::Platform platform_of(const ImportOptions& options) {
  oci::Platform platform = oci::host_platform();
  if (!options.architecture.empty() && options.architecture != platform.architecture) platform.variant.clear();
  if (!options.architecture.empty()) platform.architecture = options.architecture;
  if (!options.os.empty()) platform.os = options.os;
  if (!options.variant.empty()) platform.variant = options.variant;
  return platform;
}

std::string config_text(const ImportOptions& options, const ImageChanges& changes, const ImportedLayer& layer) {
  const std::string created = base::format_rfc3339(base::now());
  const oci::Platform platform = platform_of(options);
  base::JsonWriter json;
  json.begin_object().member("created", created).member("architecture", platform.architecture);
  if (!platform.variant.empty()) json.member("variant", platform.variant);
  json.member("os", platform.os);
  json.key("config");
  changes.write(json);
  json.key("rootfs").begin_object().member("type", "layers").key("diff_ids").begin_array();
  json.value(layer.diff_id.text()).end_array().end_object();
  json.key("history").begin_array().begin_object().member("created", created);
  json.member("created_by", base::concat("/bin/sh -c #(nop) ADD file:", layer.diff_id.hex(), " in /"));
  json.member("comment", options.message.empty() ? std::string{"imported from tarball"} : options.message);
  json.end_object().end_array().end_object();
  return json.take();
}

void write_descriptor(base::JsonWriter& json, const oci::Descriptor& descriptor) {
  json.begin_object().member("mediaType", descriptor.media_type).member("digest", descriptor.digest.text());
  json.member("size", descriptor.size_bytes).end_object();
}

class ImportedSource final : public registry::ImageSource {
 public:
  ImportedSource(ImportedLayer layer, std::string config)
      : layer_(std::move(layer)), config_(std::move(config)), config_digest_(base::sha256(config_)) {}

  registry::ManifestBytes root_manifest() override {
    base::JsonWriter json;
    json.begin_object().member("schemaVersion", 2).member("mediaType", oci::media_type_oci_manifest);
    json.key("config");
    write_descriptor(json, {.media_type = std::string{config_type},
                            .digest = config_digest_,
                            .size_bytes = config_.size(),
                            .platform = {},
                            .annotations = {}});
    json.key("layers").begin_array();
    write_descriptor(json, layer_.descriptor);
    json.end_array().end_object();
    std::string bytes = json.take();
    base::Digest digest = base::sha256(bytes);
    return {std::move(bytes), std::string{oci::media_type_oci_manifest}, std::move(digest)};
  }
  registry::ManifestBytes manifest(const oci::Descriptor&) override { return root_manifest(); }
  void blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) override {
    if (descriptor.digest == config_digest_) return sink.write(std::string_view{config_}.substr(offset));
    registry::stream_range(layer_.bytes, offset, sink);
  }
  std::string suggested_name() const override { return {}; }

 private:
  ImportedLayer layer_;
  std::string config_;
  base::Digest config_digest_;
};

}  // namespace

std::string import_image(Engine& engine, const ImportOptions& options) {
  if (options.source == "-" && ::isatty(STDIN_FILENO) == 1)
    throw base::Error(base::ErrorKind::invalid_argument, "cannot read from a terminal")
        .with_hint("name a file or redirect standard input");
  ImageChanges changes;
  for (const std::string& change : options.changes) changes.apply(change);
  std::vector<std::string> names;
  if (!options.name.empty()) names.push_back(name_for_tagging(options.name));
  return base::with_context(
      [&] {
        ImportedLayer layer =
            read_layer(registry::open_tarball(options.source, {.limits = engine.config.network}, engine.config.spool));
        std::string config = config_text(options, changes, layer);
        ImportedSource source(std::move(layer), std::move(config));
        std::string id = keep_image(engine, source, source.root_manifest(), names, "");
        note_image_event(engine, "import", id, options.source);
        return id;
      },
      "importing ", base::quoted(options.source));
}

}  // namespace engine
