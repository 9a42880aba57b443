#include "storage/image_users.hpp"

#include <cerrno>
#include <climits>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "storage/layout.hpp"

namespace storage {

void note_image_user(int root, const std::string& user) {
  const std::string name = layout::encode_name(user);
  if (base::exists(root, base::concat(layout::image_users_folder, "/", name))) return;
  const base::UniqueFd folder = base::make_directory(root, layout::image_users_folder);
  base::write_file_atomically(folder.get(), name, user);
}

std::vector<std::string> image_users(int root) {
  std::vector<std::string> users;
  if (!base::exists(root, layout::image_users_folder)) return users;
  for (const std::string& file : base::list_directory(root, layout::image_users_folder)) {
    if (file.front() == '.') continue;
    auto user = base::try_read_file(root, base::concat(layout::image_users_folder, "/", file), PATH_MAX);
    if (user && user->starts_with('/')) users.push_back(std::move(*user));
  }
  return users;
}

bool is_store(const std::string& path) {
  const std::string format = path + "/format";
  if (::access(format.c_str(), F_OK) == 0) return true;
  // What cannot be read is not gone: images that its containers use would be removed.
  if (errno != ENOENT && errno != ENOTDIR)
    throw base::os_error("looking for the store ", base::quoted(path)).with_hint("its containers may use these images");
  return false;
}

}  // namespace storage
