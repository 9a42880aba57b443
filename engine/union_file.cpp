#include "engine/union_file.hpp"

#include <fcntl.h>
#include <optional>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/path_in_root.hpp"

namespace engine {

namespace {

constexpr std::size_t max_file_bytes = 1024 * 1024;

enum class Found { nothing, hidden, here };

Found kind_of(int dir, const std::string& name, mode_t wanted) {
  struct stat status {};
  if (::fstatat(dir, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return Found::nothing;
  if ((status.st_mode & S_IFMT) == wanted) return Found::here;
  return Found::hidden;  // a whiteout, or something that is not what we look for and hides what lies below
}

bool is_opaque(int dir) {
  char value = 0;
  return ::fgetxattr(dir, "user.overlay.opaque", &value, 1) == 1 && value == 'y';
}

/// Nothing: look further down. Otherwise the text, which is empty when the file is hidden.
std::optional<std::string> look_in(int layer, const std::string& directory, const std::string& name) {
  switch (kind_of(layer, directory, S_IFDIR)) {
    case Found::nothing:
      return std::nullopt;
    case Found::hidden:
      return std::string{};
    case Found::here:
      break;
  }
  const base::UniqueFd dir = base::try_open_in_root(layer, directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!dir) return std::nullopt;
  switch (kind_of(dir.get(), name, S_IFREG)) {
    case Found::here:
      return base::read_small_file_in_root(dir.get(), name, max_file_bytes);
    case Found::hidden:
      return std::string{};
    case Found::nothing:
      break;
  }
  if (is_opaque(dir.get())) return std::string{};
  return std::nullopt;
}

}  // namespace

std::string read_union_file(const base::RootfsMount& rootfs, const std::string& directory, const std::string& name) {
  const bool is_union =
      rootfs.driver == base::RootfsDriver::overlay || rootfs.driver == base::RootfsDriver::fuse_overlayfs;
  if (!is_union)
    return base::read_small_file_in_root(rootfs.lowers.at(0).get(), directory + "/" + name, max_file_bytes);
  if (rootfs.upper)
    if (auto text = look_in(rootfs.upper.get(), directory, name)) return *text;
  for (const base::UniqueFd& lower : rootfs.lowers)
    if (auto text = look_in(lower.get(), directory, name)) return *text;
  return {};
}

}  // namespace engine
