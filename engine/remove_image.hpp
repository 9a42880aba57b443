#pragma once

#include <string>
#include <vector>

#include "storage/images.hpp"

namespace engine {

/// What `rmi` of one word means for one image.
struct ImageRemoval {
  std::vector<std::string> untag;  ///< Names that go; all of them when `deletes`.
  bool deletes = false;            ///< The image itself goes.
};

/// Pure. By a name that is not the only one: just that name. By the last name, by digest or by id: the image; by id
/// with several names only when forced.
/// @param found_name  The name that the word meant ("docker.io/library/busybox:latest"); empty: an id or a digest.
/// @throws Error invalid_argument, when it has several names and `force` is false.
ImageRemoval plan_image_removal(const storage::NamedImage& image, const std::string& found_name, bool force);

}  // namespace engine
