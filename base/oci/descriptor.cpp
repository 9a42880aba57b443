#include "base/oci/descriptor.hpp"

namespace oci {

Descriptor parse_descriptor(const base::JsonAt& json) {
  // Docker's own manifests always have a media type; some old tools leave it out of an OCI descriptor.
  Descriptor result{.media_type = json.string_or("mediaType", ""),
                    .digest = json.at("digest").digest(),
                    .size_bytes = json.at("size").unsigned_integer(),
                    .platform = std::nullopt,
                    .annotations = {}};
  if (result.media_type.empty()) throw json.error("has no \"mediaType\"");
  if (result.size_bytes > INT64_MAX) throw json.at("size").error("is larger than any file");
  if (const auto platform = json.find("platform")) result.platform = platform_from_json(*platform);
  if (const auto annotations = json.find("annotations")) result.annotations = annotations->string_map();
  return result;
}

}  // namespace oci
