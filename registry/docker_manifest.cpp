#include "registry/docker_manifest.hpp"

#include "base/error.hpp"
#include "base/json_writer.hpp"

namespace registry {

namespace {

constexpr std::string_view media_type_config = "application/vnd.docker.container.image.v1+json";
constexpr std::string_view media_type_layer = "application/vnd.docker.image.rootfs.diff.tar";

void write_descriptor(base::JsonWriter& json, std::string_view media_type, const oci::Descriptor& descriptor) {
  json.begin_object();
  json.member("mediaType", media_type);
  json.member("size", descriptor.size_bytes);
  json.member("digest", std::string_view{descriptor.digest.text()});
  json.end_object();
}

std::string layer_type(const oci::Descriptor& layer) {
  switch (oci::layer_compression(layer)) {
    case oci::LayerCompression::none:
      return std::string{media_type_layer};
    case oci::LayerCompression::gzip:
      return base::concat(media_type_layer, ".gzip");
    case oci::LayerCompression::zstd:
      break;
  }
  throw base::make_error(base::ErrorKind::unsupported, "layer ", layer.digest,
                         " is compressed with zstd, which Docker's format of manifests does not know")
      .with_hint("the OCI formats do");
}

}  // namespace

std::string write_docker_manifest(const oci::Manifest& manifest) {
  base::JsonWriter json;
  json.begin_object();
  json.member("schemaVersion", 2);
  json.member("mediaType", oci::media_type_docker_manifest);
  json.key("config");
  write_descriptor(json, media_type_config, manifest.config);
  json.key("layers").begin_array();
  for (const oci::Descriptor& layer : manifest.layers) write_descriptor(json, layer_type(layer), layer);
  json.end_array();
  json.end_object();
  return json.take();
}

}  // namespace registry
