#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "engine/context.hpp"
#include "engine/manifest_list_store.hpp"
#include "engine/store_source.hpp"
#include "registry/image_source.hpp"
#include "registry/open_source.hpp"

namespace engine {

/// A manifest list of the store with all of its images: manifests come from the store, a blob from there too when it
/// has it, else from where its image was added, if policy.json lets that in. Thread-safe.
class ListSource final : public registry::ImageSource {
 public:
  /// @param options  How to reach the registries of its images.
  ListSource(Engine& engine, StoredList list, registry::RegistryOptions options);

  registry::ManifestBytes root_manifest() override { return stored_.root_manifest(); }
  registry::ManifestBytes manifest(const oci::Descriptor& descriptor) override { return stored_.manifest(descriptor); }
  void blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) override;
  std::string suggested_name() const override { return stored_.suggested_name(); }
  bool is_remote() const override { return !origins_.empty(); }

  /// Where blobs are that the store may not have: "docker://name" and the like.
  const std::map<base::Digest, std::string>& origins() const noexcept { return origins_; }

 private:
  registry::ImageSource& opened(const std::string& origin);
  void check_instances(registry::ImageSource& source, const std::string& origin) const;

  const Engine& engine_;
  const storage::Store& store_;
  registry::RegistryOptions options_;
  StoreSource stored_;
  std::vector<ListInstance> instances_;
  std::map<base::Digest, std::string> origins_;
  std::mutex mutex_;
  std::map<std::string, std::unique_ptr<registry::ImageSource>> opened_;
};

}  // namespace engine
