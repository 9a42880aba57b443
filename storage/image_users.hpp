#pragma once

#include <string>
#include <vector>

// Which stores of containers use the images of this one (--imagestore, --transient-store): a file each, so that who
// removes images by whatever command line knows of all.

namespace storage {

namespace layout {
/// Made when it is first needed.
inline constexpr const char* image_users_folder = "users";
}  // namespace layout

/// Notes that the store at `user` (absolute) has, or will have, containers of images in the store `root`. Before any is
/// made.
void note_image_user(int root, const std::string& user);

/// Absolute paths, in no order; some may be gone.
std::vector<std::string> image_users(int root);

/// Whether there is a store of ours.
bool is_store(const std::string& path);

}  // namespace storage
