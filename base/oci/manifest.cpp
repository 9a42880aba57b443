#include "base/oci/manifest.hpp"

#include <algorithm>
#include <array>

#include "base/error.hpp"

namespace oci {
namespace {

using base::ErrorKind;
using base::make_error;
using base::quoted;

constexpr std::size_t max_index_entries = 10'000;
constexpr std::string_view docker_schema1_prefix = "application/vnd.docker.distribution.manifest.v1+";

bool is_manifest_type(std::string_view type) {
  return type == media_type_oci_manifest || type == media_type_docker_manifest;
}
bool is_index_type(std::string_view type) {
  return type == media_type_oci_index || type == media_type_docker_list;
}

/// "Application/JSON; charset=utf-8" to "application/json". A type that says nothing about manifests is as good as
/// none: plain file servers send "application/json" or "text/plain".
std::string type_named_by(std::string_view content_type) {
  const std::string type = base::to_lower(base::trim(content_type.substr(0, content_type.find(';'))));
  const bool is_specific = type.rfind("application/vnd.", 0) == 0;
  return is_specific ? type : std::string{};
}

[[noreturn]] void refuse_schema1(std::string_view what) {
  throw make_error(ErrorKind::unsupported, what, " is a Docker schema 1 manifest, which is no longer supported")
      .with_hint("push the image again with a current tool");
}

/// The media type of the document: what it says itself, else what came with it, else what its fields show.
std::string decide_type(const base::JsonAt& json, std::string_view content_type) {
  const std::string named = type_named_by(content_type);
  const std::string own = json.string_or("mediaType", "");
  if (!own.empty() && !named.empty() && own != named)
    throw json.error(base::concat("says it is ", quoted(own), " but was delivered as ", quoted(named)));
  if (!own.empty()) return own;
  if (!named.empty()) return named;
  return std::string{json.has("manifests") ? media_type_oci_index : media_type_oci_manifest};
}

void check_fields(const base::JsonAt& json, std::string_view type) {
  const bool like_manifest = json.has("layers") || json.has("config");
  const bool like_index = json.has("manifests");
  // One document must not be a manifest for one reader and an index for another; CVE-2021-41190.
  if ((like_manifest && like_index) || json.has("fsLayers"))
    throw json.error("has the fields of more than one kind of manifest");
  if (is_manifest_type(type) ? like_index : like_manifest)
    throw json.error(base::concat("does not have the fields of ", quoted(type)));
}

Manifest parse_image_manifest(const base::JsonAt& json, std::string type) {
  Manifest manifest{.media_type = std::move(type), .config = parse_descriptor(json.at("config")), .layers = {}};
  const std::vector<base::JsonAt> layers = json.at("layers").array();
  if (layers.size() > max_layers) throw json.at("layers").error(base::concat("has more than ", max_layers, " entries"));
  for (const base::JsonAt& layer : layers) manifest.layers.push_back(parse_descriptor(layer));
  return manifest;
}

Index parse_image_index(const base::JsonAt& json, std::string type) {
  Index index{.media_type = std::move(type), .manifests = {}};
  const std::vector<base::JsonAt> manifests = json.at("manifests").array();
  if (manifests.size() > max_index_entries)
    throw json.at("manifests").error(base::concat("has more than ", max_index_entries, " entries"));
  for (const base::JsonAt& manifest : manifests) index.manifests.push_back(parse_descriptor(manifest));
  return index;
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

}  // namespace

std::variant<Manifest, Index> parse_manifest(std::string_view bytes, std::string_view content_type, std::string what) {
  const base::JsonAt json = base::JsonAt::parse(bytes, what, {.max_bytes = max_manifest_bytes});
  if (!json.is_object()) throw json.error("is not an object");
  if (json.integer_or("schemaVersion", 0) == 1 || base::to_lower(content_type).rfind(docker_schema1_prefix, 0) == 0)
    refuse_schema1(what);
  if (json.at("schemaVersion").integer() != 2) throw json.at("schemaVersion").error("is not 2");
  std::string type = decide_type(json, content_type);
  if (!is_manifest_type(type) && !is_index_type(type))
    throw make_error(ErrorKind::unsupported, "reading ", what, ": media type ", quoted(type), " is not supported");
  check_fields(json, type);
  if (is_index_type(type)) return parse_image_index(json, std::move(type));
  return parse_image_manifest(json, std::move(type));
}

LayerCompression layer_compression(const Descriptor& layer) {
  struct Known {
    std::string_view media_type;
    LayerCompression compression;
  };
  constexpr std::array known = {
      Known{"application/vnd.oci.image.layer.v1.tar", LayerCompression::none},
      Known{"application/vnd.oci.image.layer.v1.tar+gzip", LayerCompression::gzip},
      Known{"application/vnd.oci.image.layer.v1.tar+zstd", LayerCompression::zstd},
      Known{"application/vnd.docker.image.rootfs.diff.tar", LayerCompression::none},
      Known{"application/vnd.docker.image.rootfs.diff.tar.gzip", LayerCompression::gzip},
      Known{"application/vnd.docker.image.rootfs.diff.tar.zstd", LayerCompression::zstd},
  };
  const std::string_view type = layer.media_type;
  for (const Known& entry : known)
    if (entry.media_type == type) return entry.compression;
  if (type.find(".nondistributable.") != std::string_view::npos || type.find(".foreign.") != std::string_view::npos)
    throw make_error(ErrorKind::unsupported, "layer ", layer.digest, " may not be distributed and is kept elsewhere");
  if (ends_with(type, "+encrypted"))
    throw make_error(ErrorKind::unsupported, "layer ", layer.digest, " is encrypted, which is not supported");
  throw make_error(ErrorKind::unsupported, "layer ", layer.digest, " has the unknown media type ", quoted(type));
}

}  // namespace oci
