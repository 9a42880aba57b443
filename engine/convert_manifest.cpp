#include "engine/convert_manifest.hpp"

#include <string>
#include <utility>
#include <variant>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "base/oci/manifest.hpp"

namespace engine {
namespace {

using TypePair = std::pair<std::string_view, std::string_view>;  // OCI's name, Docker's name

constexpr TypePair manifest_types = {oci::media_type_oci_manifest, oci::media_type_docker_manifest};
constexpr TypePair blob_types[] = {
    {"application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"},
    {"application/vnd.oci.image.layer.v1.tar+gzip", "application/vnd.docker.image.rootfs.diff.tar.gzip"},
    {"application/vnd.oci.image.layer.v1.tar+zstd", "application/vnd.docker.image.rootfs.diff.tar.zstd"},
    {"application/vnd.oci.image.layer.v1.tar", "application/vnd.docker.image.rootfs.diff.tar"},
    {"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
     "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"},
};

std::string_view in_format(const TypePair& type, ManifestFormat format) {
  return format == ManifestFormat::oci ? type.first : type.second;
}

std::string_view converted_type(const oci::Descriptor& blob, ManifestFormat format) {
  for (const TypePair& type : blob_types) {
    if (type.first == blob.media_type || type.second == blob.media_type) return in_format(type, format);
  }
  throw base::make_error(base::ErrorKind::unsupported, "a blob of type ", base::quoted(blob.media_type), " has no ",
                         format == ManifestFormat::oci ? "OCI" : "Docker", " type");
}

void write_descriptor(base::JsonWriter& json, const oci::Descriptor& blob, ManifestFormat format) {
  json.begin_object().member("mediaType", converted_type(blob, format));
  json.member("digest", blob.digest.text()).member("size", blob.size_bytes);
  if (format == ManifestFormat::oci && !blob.annotations.empty()) json.member("annotations", blob.annotations);
  json.end_object();
}

}  // namespace

ManifestFormat parse_manifest_format(std::string_view text) {
  if (text == "oci") return ManifestFormat::oci;
  if (text == "v2s2" || text == "docker") return ManifestFormat::docker;
  if (text == "v2s1")
    throw base::Error(base::ErrorKind::unsupported, "Docker schema 1 manifests are not written", "use oci or v2s2");
  throw base::make_error(base::ErrorKind::invalid_argument, "manifest format ", base::quoted(text),
                         " is not one of oci, v2s2");
}

registry::ManifestBytes convert_manifest(const registry::ManifestBytes& manifest, ManifestFormat format) {
  const auto parsed = oci::parse_manifest(manifest.bytes, manifest.media_type, "the manifest");
  const auto* image = std::get_if<oci::Manifest>(&parsed);
  if (image == nullptr)
    throw base::Error(base::ErrorKind::unsupported, "an index cannot be converted to another format");
  const std::string type{in_format(manifest_types, format)};
  if (image->media_type == type) return manifest;
  base::JsonWriter json;
  json.begin_object().member("schemaVersion", 2).member("mediaType", type);
  json.key("config");
  write_descriptor(json, image->config, format);
  json.key("layers").begin_array();
  for (const oci::Descriptor& layer : image->layers) write_descriptor(json, layer, format);
  json.end_array().end_object();
  std::string bytes = json.take();
  base::Digest digest = base::sha256(bytes);
  return {std::move(bytes), type, std::move(digest)};
}

}  // namespace engine
