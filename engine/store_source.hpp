#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/oci/descriptor.hpp"
#include "registry/image_source.hpp"
#include "storage/images.hpp"
#include "storage/staging.hpp"
#include "storage/store.hpp"

namespace engine {

/// What the root of a store's image is to be.
enum class StoreRoot {
  manifest,     ///< The image itself: what can be run here.
  whole_index,  ///< The index that it was chosen from. @throws Error not_found, unless all its images are here.
};

/// An image of the store, or of a shared one, for `push`, `save` and `copy`: its bytes as they came. Needs no network
/// but where bytes were not kept.
/// Thread-safe. While it lives nothing of the image is removed from the disk, whatever becomes of its names.
class StoreSource final : public registry::ImageSource {
 public:
  /// @param name  What suggested_name says; may be empty. `store` must outlive it.
  StoreSource(const storage::Store& store, storage::ImageRecord record, std::string name,
              StoreRoot root = StoreRoot::manifest);
  StoreSource(const StoreSource&) = delete;
  /// What was kept for us alone, because the image was removed meanwhile, goes now.
  ~StoreSource() override;

  registry::ManifestBytes root_manifest() override;
  registry::ManifestBytes manifest(const oci::Descriptor& descriptor) override;
  /// @throws Error not_found with a hint, when the compressed layer was not kept and is nowhere else.
  void blob(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset) override;
  std::string suggested_name() const override { return name_; }
  /// Where compressed layers come from that were not kept. Nothing is asked of it before that.
  void fall_back_to(std::unique_ptr<registry::ImageSource> origin) { origin_ = std::move(origin); }

 private:
  void fetch_anew(const oci::Descriptor& descriptor, base::Sink& sink, std::uint64_t offset);

  const storage::Store& store_;
  storage::ImageRecord record_;
  std::string name_;
  StoreRoot root_;
  std::unique_ptr<registry::ImageSource> origin_;
  bool is_own_;                            ///< In our store, not in a shared one.
  std::optional<storage::Staging> keeps_;  ///< Nothing is written there but the list of what is read.
};

/// What the user named: id, name or digest, of our store or a shared one. @throws Error not_found; invalid_argument.
storage::ResolvedImage find_image_to_send(const storage::Store& store, const std::string& typed);

}  // namespace engine
