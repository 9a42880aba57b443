#pragma once

#include <string>

#include "registry/image_source.hpp"
#include "storage/store.hpp"

namespace engine {

/// A source whose manifests and configs are taken from the store where it has them, sound: nothing that is named by a
/// digest is fetched a second time. Only what a tag means is always asked.
class StoredFirst final : public registry::ImageSource {
 public:
  StoredFirst(const storage::Store& store, registry::ImageSource& source) : store_(store), source_(source) {}

  registry::ManifestBytes root_manifest() override { return source_.root_manifest(); }
  registry::ManifestBytes manifest(const oci::Descriptor& descriptor) override;
  void blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) override;
  std::string suggested_name() const override { return source_.suggested_name(); }
  bool is_remote() const override { return source_.is_remote(); }

 private:
  const storage::Store& store_;
  registry::ImageSource& source_;
};

}  // namespace engine
