#include "engine/external_runtime_mounts.hpp"

#include <algorithm>
#include <filesystem>

#include "base/error.hpp"
#include "base/text.hpp"

namespace engine {
namespace {

namespace fs = std::filesystem;
using base::concat;

/// Without links; what is not there stays as it was said.
std::string real_path(const std::string& path) {
  std::error_code failed;
  const fs::path real = fs::weakly_canonical(path, failed);
  return failed ? path : real.string();
}

/// What follows `folder` in `path`, with a slash in front; nothing: it is not in there.
std::optional<std::string> rest_below(const std::string& path, const std::string& folder) {
  if (folder == "/") return path;
  if (path == folder) return "";
  if (path.starts_with(folder + "/")) return path.substr(folder.size());
  return std::nullopt;
}

/// Whether a volume on top hides that place of another one: what is mounted there now would be made in that volume.
bool is_hidden(const runtime::Spec& spec, const std::string& destination, const std::string& place) {
  return std::any_of(spec.mounts.begin(), spec.mounts.end(), [&](const runtime::Mount& other) {
    const auto below = rest_below(other.destination, destination);
    return below && !below->empty() && rest_below(place, other.destination);
  });
}

/// runc takes a destination that begins as its own root's path does for one that has it in front already. Then the
/// folder around is covered, which is ours, too.
std::string place_to_cover(const runtime::Mount& mount, const std::string& below, const std::string& root,
                           bool is_runc) {
  const std::string place = concat(mount.destination == "/" ? "" : mount.destination, below);
  if (!is_runc || place != root) return place;
  const std::string around = place.substr(0, place.rfind('/'));
  if (around.size() > mount.destination.size()) return around;
  throw base::make_error(base::ErrorKind::unsupported, base::quoted(mount.source), " cannot be mounted at ",
                         base::quoted(mount.destination), ", where the container's root file system is made")
      .with_hint("mount it elsewhere in the container");
}

}  // namespace

void repeat_mount_flags(runtime::Spec& spec) {
  for (runtime::Mount& mount : spec.mounts) {
    std::error_code failed;
    if (mount.type != "bind" || !fs::is_directory(mount.source, failed)) continue;
    for (const char* flag : {"nosuid", "nodev", "noexec"})
      if (std::find(mount.options.begin(), mount.options.end(), flag) != mount.options.end())
        mount.options.push_back(concat("r", flag));
  }
}

void cover_own_root(runtime::Spec& spec, const std::string& root_place, bool is_runc) {
  const std::string root = real_path(root_place);
  std::vector<runtime::Mount> covers;
  for (const runtime::Mount& mount : spec.mounts) {
    if (mount.type != "bind") continue;
    const std::string source = real_path(mount.source);
    if (rest_below(source, root))
      throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(mount.source),
                             " cannot be mounted: it is a part of the container's own root file system");
    const auto below = rest_below(root, source);
    if (!below) continue;
    const std::string place = place_to_cover(mount, *below, root, is_runc);
    if (is_hidden(spec, mount.destination, place)) continue;
    covers.push_back({place, "tmpfs", "tmpfs", {"ro", "nosuid", "nodev", "noexec", "size=4k", "mode=000"}});
  }
  spec.mounts.insert(spec.mounts.end(), covers.begin(), covers.end());
}

}  // namespace engine
