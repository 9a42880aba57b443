#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "registry/image_source.hpp"
#include "registry/open_source.hpp"
#include "storage/store.hpp"

namespace engine {

/// An image of the store as a source: manifest and config from the store while they are sound there, everything else
/// from the registries that its names say, asked in order and not before something is needed of them.
class RepairSource final : public registry::ImageSource {
 public:
  /// @param repositories  "registry.example/team/app"
  RepairSource(const storage::Store& store, base::Digest manifest, std::vector<std::string> repositories,
               registry::RegistryOptions options);

  registry::ManifestBytes root_manifest() override;
  registry::ManifestBytes manifest(const oci::Descriptor& descriptor) override;
  void blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) override;
  std::string suggested_name() const override { return {}; }
  bool is_remote() const override { return true; }

 private:
  /// @throws Error not_found, when no name leads to a registry; else what the last one answered.
  registry::ImageSource& remote();

  const storage::Store& store_;
  base::Digest manifest_;
  std::vector<std::string> repositories_;
  registry::RegistryOptions options_;
  std::mutex mutex_;
  std::unique_ptr<registry::ImageSource> remote_;
};

/// Where an image of the store came from, as far as its names tell: for bytes that were not kept. Asks nobody yet;
/// null for what was made here.
std::unique_ptr<registry::ImageSource> open_origin(const storage::Store& store, const base::Digest& manifest,
                                                   registry::RegistryOptions options);

}  // namespace engine
