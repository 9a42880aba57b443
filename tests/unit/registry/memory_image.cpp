#include "memory_image.hpp"

#include "base/oci/manifest.hpp"

namespace registry_test {

namespace {

std::string descriptor_json(const char* type, const std::string& bytes) {
  return base::concat(R"({"mediaType":"application/vnd.oci.image.)", type, R"(","digest":")", base::sha256(bytes),
                      R"(","size":)", bytes.size(), "}");
}

std::string config_json(const std::vector<std::string>& layers) {
  std::vector<std::string> ids;
  for (const std::string& layer : layers) ids.push_back(base::concat('"', base::sha256(layer), '"'));
  return base::concat(R"({"architecture":"amd64","os":"linux","config":{},"rootfs":{"type":"layers","diff_ids":[)",
                      base::join(ids, ","), "]}}");
}

}  // namespace

MemoryImage::MemoryImage(const std::vector<std::string>& layers) : config_(base::sha256(config_json(layers))) {
  blobs_.emplace(config_, config_json(layers));
  std::vector<std::string> texts;
  for (const std::string& layer : layers) {
    blobs_.emplace(base::sha256(layer), layer);
    texts.push_back(descriptor_json("layer.v1.tar", layer));
  }
  manifest_ = base::concat(R"({"schemaVersion":2,"mediaType":")", oci::media_type_oci_manifest, R"(","config":)",
                           descriptor_json("config.v1+json", config_json(layers)), R"(,"layers":[)",
                           base::join(texts, ","), "]}");
}

registry::ManifestBytes MemoryImage::root_manifest() {
  return {manifest_, std::string{oci::media_type_oci_manifest}, base::sha256(manifest_)};
}

registry::ManifestBytes MemoryImage::manifest(const oci::Descriptor&) {
  return root_manifest();
}

void MemoryImage::blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) {
  sink.write(std::string_view{blobs_.at(descriptor.digest)}.substr(offset));
}

}  // namespace registry_test
