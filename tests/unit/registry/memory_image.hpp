#pragma once

#include <map>
#include <string>
#include <vector>

#include "registry/image_source.hpp"

namespace registry_test {

/// An image whose bytes are in memory: OCI manifest, config and uncompressed layers.
class MemoryImage final : public registry::ImageSource {
 public:
  explicit MemoryImage(const std::vector<std::string>& layers);

  registry::ManifestBytes root_manifest() override;
  registry::ManifestBytes manifest(const oci::Descriptor& descriptor) override;
  void blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) override;
  std::string suggested_name() const override { return {}; }

  const std::string& config() const { return blobs_.at(config_); }
  /// What `digest` names is something else now.
  void damage(const base::Digest& digest) { blobs_.at(digest)[0] ^= 1; }

 private:
  std::map<base::Digest, std::string> blobs_;
  base::Digest config_;
  std::string manifest_;
};

}  // namespace registry_test
