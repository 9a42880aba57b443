#include "engine/copy_place.hpp"

#include <array>
#include <fcntl.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/path_in_root.hpp"

namespace engine {
namespace {

constexpr int max_links = 40;  // as the kernel: path_resolution(7)

base::UniqueFd open_directory(int root, const std::string& path) {
  return base::try_open_in_root(root, path.empty() ? "/" : path, O_RDONLY | O_DIRECTORY);
}

}  // namespace

CopyPlace find_copy_place(int root, const std::string& path) {
  std::string rest = "/" + path;
  for (int links = 0; links < max_links; ++links) {
    while (rest.size() > 1 && rest.back() == '/') rest.pop_back();
    const std::size_t slash = rest.rfind('/');
    CopyPlace place{.name = rest.substr(slash + 1)};
    if (place.name.empty() || place.name == "." || place.name == "..") {
      place.dir = open_directory(root, rest);
      if (place.dir) place.kind = CopyPlace::Kind::directory;
      return place;
    }
    const std::string above = rest.substr(0, slash);
    place.dir = open_directory(root, above);
    struct stat info {};
    if (!place.dir || ::fstatat(place.dir.get(), place.name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return place;
    if (S_ISLNK(info.st_mode)) {
      std::array<char, 4096> text;
      const ssize_t size = ::readlinkat(place.dir.get(), place.name.c_str(), text.data(), text.size());
      if (size < 0) return place;
      const std::string target{text.data(), static_cast<std::size_t>(size)};
      rest = target.starts_with('/') ? target : base::concat(above, "/", target);
      continue;
    }
    place.kind = S_ISDIR(info.st_mode) ? CopyPlace::Kind::directory : CopyPlace::Kind::other;
    if (place.kind == CopyPlace::Kind::directory) place.dir = open_directory(root, rest);
    if (!place.dir) place.kind = CopyPlace::Kind::missing;
    return place;
  }
  throw base::make_error(base::ErrorKind::not_found, base::quoted(path), " is a loop of links");
}

}  // namespace engine
