#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "engine/image_views.hpp"
#include "storage/check_expected.hpp"
#include "storage/store.hpp"

namespace engine {

/// Every path of an image, without "/" in front: the owner manifests of its layers, put together as overlay would.
class ImagePaths {
 public:
  using Inodes = std::map<std::string, storage::ExpectedTree::Inode, std::less<>>;

  /// Of the lowest `count` layers. @throws Error corrupt, when one is not in the store.
  static ImagePaths read(const storage::Store& store, const std::vector<base::Digest>& chains, std::size_t count);

  const Inodes& inodes() const noexcept { return inodes_; }
  /// As a container changed them: what it added or changed is like nothing that an image has.
  void apply(const std::vector<ImageChange>& changes);

 private:
  void apply(storage::ExpectedTree layer);
  void erase_below(const std::string& path);
  Inodes inodes_;
};

/// What `later` has that `earlier` has not, in order of the paths; with the directories above, as docker and podman do.
std::vector<ImageChange> compare_paths(const ImagePaths::Inodes& earlier, const ImagePaths::Inodes& later);

/// podman never tells of these: what runtimes make in every container. Source: libpod, "initInodes".
bool is_made_by_runtimes(std::string_view path);

}  // namespace engine
