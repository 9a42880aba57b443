#include "storage/unpack_tree.hpp"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/text.hpp"

namespace storage {
namespace {

base::UniqueFd try_open(int parent, const std::string& name) {
  return base::UniqueFd{::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
}

bool is_whiteout(const struct stat& facts) {
  return S_ISCHR(facts.st_mode) && facts.st_rdev == 0;
}

}  // namespace

std::string_view LayerPath::directory() const {
  const std::size_t slash = text.rfind('/');
  return slash == std::string::npos ? std::string_view{} : std::string_view{text}.substr(0, slash);
}

std::string LayerPath::name() const {
  return text.substr(text.rfind('/') + 1);
}

LayerPath parse_layer_path(std::string_view path, const UnpackLimits& limits) {
  const auto refuse = [&](const auto&... why) {
    return base::make_error(base::ErrorKind::corrupt, "the archive has the path ", base::quoted(path), ", which ",
                            why...);
  };
  if (path.size() > limits.max_path_bytes) throw refuse("is too long");
  if (path.find('\0') != std::string_view::npos) throw refuse("contains a NUL");
  LayerPath result;
  result.text.reserve(path.size());
  while (!path.empty()) {
    const std::string_view component = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), component.size() + 1));
    if (component.empty() || component == ".") continue;
    if (component == "..") throw refuse("leads upwards");
    if (component.size() > limits.max_component_bytes)
      throw refuse("has a component of more than ", limits.max_component_bytes, " bytes");
    if (!result.text.empty()) result.text.push_back('/');
    result.text.append(component);
  }
  return result;
}

int LayerTree::open_or_make(std::string_view path) {
  if (const int dir = find_cached(path); dir >= 0) return dir;
  // Upwards to the longest part that is open, then down again, one component after the other.
  std::size_t known = path.size();
  int dir = -1;
  do {
    known = path.rfind('/', known == 0 ? 0 : known - 1);
    if (known == std::string_view::npos) known = 0;
    dir = find_cached(path.substr(0, known));
  } while (dir < 0);
  while (known < path.size()) {
    const std::size_t start = known == 0 ? 0 : known + 1;
    known = std::min(path.find('/', start), path.size());
    const std::string so_far{path.substr(0, known)};
    dir = keep(so_far, open_component(dir, so_far.substr(start), so_far));
  }
  return dir;
}

int LayerTree::open_existing(std::string_view path) {
  if (const int dir = find_cached(path); dir >= 0) return dir;
  const std::size_t slash = path.rfind('/');
  const int parent = open_existing(slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash));
  if (parent < 0) return -1;
  base::UniqueFd dir = try_open(parent, std::string{path.substr(slash + 1)});
  if (!dir && errno != ENOENT && errno != ENOTDIR && errno != ELOOP)
    throw base::os_error("opening ", base::quoted(path));
  return dir ? keep(std::string{path}, std::move(dir)) : -1;
}

LayerTree::Replaced LayerTree::make_directory(int parent, const LayerPath& path) {
  const std::string name = path.name();
  if (::mkdirat(parent, name.c_str(), 0700) == 0) return Replaced::nothing;
  if (errno != EEXIST) throw base::os_error("making directory ", base::quoted(path.text));
  struct stat facts;
  if (::fstatat(parent, name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0)
    throw base::os_error("looking at ", base::quoted(path.text));
  if (S_ISDIR(facts.st_mode)) return Replaced::nothing;
  const Replaced replaced = remove(parent, path);
  if (::mkdirat(parent, name.c_str(), 0700) != 0) throw base::os_error("making directory ", base::quoted(path.text));
  return replaced;
}

LayerTree::Replaced LayerTree::remove(int parent, const LayerPath& path) {
  const std::string name = path.name();
  struct stat facts;
  if (::fstatat(parent, name.c_str(), &facts, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return Replaced::nothing;
    throw base::os_error("looking at ", base::quoted(path.text));
  }
  if (S_ISDIR(facts.st_mode)) {
    forget_below(path.text);
    base::remove_tree(parent, name);
  } else if (::unlinkat(parent, name.c_str(), 0) != 0) {
    throw base::os_error("replacing ", base::quoted(path.text));
  }
  return is_whiteout(facts) ? Replaced::whiteout : Replaced::other;
}

int LayerTree::find_cached(std::string_view path) {
  if (path.empty()) return diff_;
  const auto found = cache_.find(std::string{path});
  if (found == cache_.end()) return -1;
  found->second.last_use = ++uses_;
  return found->second.dir.get();
}

int LayerTree::keep(std::string path, base::UniqueFd dir) {
  if (cache_.size() >= max_cached) {
    const auto oldest = std::min_element(cache_.begin(), cache_.end(), [](const auto& left, const auto& right) {
      return left.second.last_use < right.second.last_use;
    });
    cache_.erase(oldest);
  }
  const auto place = cache_.insert_or_assign(std::move(path), Cached{std::move(dir), ++uses_}).first;
  return place->second.dir.get();
}

void LayerTree::forget_below(std::string_view path) {
  std::erase_if(cache_, [&](const auto& entry) {
    return entry.first.starts_with(path) && (entry.first.size() == path.size() || entry.first[path.size()] == '/');
  });
}

base::UniqueFd LayerTree::open_component(int parent, const std::string& name, const std::string& path) {
  if (base::UniqueFd dir = try_open(parent, name)) return dir;
  if (errno != ENOENT && errno != ENOTDIR && errno != ELOOP) throw base::os_error("opening ", base::quoted(path));
  const Replaced replaced = make_directory(parent, LayerPath{path});
  base::UniqueFd dir = try_open(parent, name);
  if (!dir) throw base::os_error("opening ", base::quoted(path));
  on_made_(path, dir.get(), replaced == Replaced::whiteout);
  return dir;
}

}  // namespace storage
