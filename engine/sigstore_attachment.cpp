#include "engine/sigstore_attachment.hpp"

#include <map>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "base/oci/manifest.hpp"
#include "registry/base64.hpp"
#include "registry/open_destination.hpp"

namespace engine {
namespace {

constexpr std::string_view config_type = "application/vnd.oci.image.config.v1+json";

/// Blobs that are in memory.
class MemorySource final : public registry::ImageSource {
 public:
  oci::Descriptor add(std::string bytes, std::string_view media_type) {
    oci::Descriptor descriptor{
        .media_type = std::string{media_type}, .digest = base::sha256(bytes), .size_bytes = bytes.size()};
    blobs_.insert_or_assign(descriptor.digest, std::move(bytes));
    return descriptor;
  }
  registry::ManifestBytes root_manifest() override { throw none(); }
  registry::ManifestBytes manifest(const oci::Descriptor&) override { throw none(); }
  void blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) override {
    sink.write(std::string_view{blobs_.at(descriptor.digest)}.substr(offset));
  }
  std::string suggested_name() const override { return {}; }

 private:
  static base::Error none() { return {base::ErrorKind::internal, "a signature has no manifest of its own"}; }
  std::map<base::Digest, std::string> blobs_;
};

/// The layers of the signatures that are there.
std::vector<oci::Descriptor> layers_there(const oci::Reference& place, const registry::RegistryOptions& options) {
  try {
    const registry::ManifestBytes root = registry::open_source({"docker", place.to_string()}, options)->root_manifest();
    const auto parsed = oci::parse_manifest(root.bytes, root.media_type, "manifest of the signatures");
    if (const auto* manifest = std::get_if<oci::Manifest>(&parsed)) return manifest->layers;
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::not_found) throw;
  }
  return {};
}

/// An image configuration that says nothing but which layers there are, as cosign writes it.
std::string render_config(const std::vector<oci::Descriptor>& layers) {
  base::JsonWriter json;
  json.begin_object().member("architecture", "").member("os", "").key("config").begin_object().end_object();
  json.key("rootfs").begin_object().member("type", "layers").key("diff_ids").begin_array();
  for (const oci::Descriptor& layer : layers) json.value(layer.digest.text());
  return json.end_array().end_object().end_object().take();
}

void write_descriptor(base::JsonWriter& json, const oci::Descriptor& descriptor) {
  json.begin_object().member("mediaType", descriptor.media_type).member("digest", descriptor.digest.text());
  json.member("size", descriptor.size_bytes);
  if (!descriptor.annotations.empty()) {
    json.key("annotations").begin_object();
    for (const auto& [name, value] : descriptor.annotations) json.member(name, value);
    json.end_object();
  }
  json.end_object();
}

registry::ManifestBytes render_manifest(const oci::Descriptor& config, const std::vector<oci::Descriptor>& layers) {
  base::JsonWriter json;
  json.begin_object().member("schemaVersion", 2).member("mediaType", std::string{oci::media_type_oci_manifest});
  write_descriptor(json.key("config"), config);
  json.key("layers").begin_array();
  for (const oci::Descriptor& layer : layers) write_descriptor(json, layer);
  std::string bytes = json.end_array().end_object().take();
  base::Digest digest = base::sha256(bytes);
  return {std::move(bytes), std::string{oci::media_type_oci_manifest}, std::move(digest)};
}

}  // namespace

oci::Reference cosign_place(const oci::Reference& image, const base::Digest& manifest) {
  return oci::Reference::parse(base::concat(image.repository(), ":sha256-", manifest.hex(), ".sig"));
}

void attach_signature(const oci::Reference& image, const base::Digest& manifest, const std::string& payload,
                      const std::string& signature, const registry::RegistryOptions& options) {
  const oci::Reference place = cosign_place(image, manifest);
  MemorySource source;
  std::vector<oci::Descriptor> layers = layers_there(place, options);
  oci::Descriptor layer = source.add(payload, cosign_layer_type);
  layer.annotations.emplace_back(std::string{cosign_annotation}, registry::base64_encode(signature));
  layers.push_back(layer);
  const oci::Descriptor config = source.add(render_config(layers), config_type);
  const auto destination = registry::open_destination({"docker", place.to_string()}, options);
  for (const oci::Descriptor& blob : {layer, config})
    if (!destination->has_blob(blob)) destination->put_blob(blob, source);
  destination->put_root(render_manifest(config, layers));
  destination->commit();
}

}  // namespace engine
