#include "engine/resolve_mounts.hpp"

#include <algorithm>
#include <sys/stat.h>

#include "base/error.hpp"
#include "engine/inside.hpp"
#include "storage/volumes.hpp"

namespace engine {

using base::concat;
using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

std::vector<MountWord> user_mounts(const RunOptions& options, const std::string& work_dir) {
  std::vector<MountWord> mounts;
  for (const std::string& word : options.volumes) mounts.push_back(parse_volume_word(word, work_dir));
  for (const std::string& word : options.mounts) mounts.push_back(parse_mount_word(word, work_dir));
  for (const std::string& word : options.tmpfs) mounts.push_back(parse_tmpfs_word(word));
  for (std::size_t i = 0; i < mounts.size(); ++i)
    for (std::size_t j = 0; j < i; ++j)
      if (mounts[i].destination == mounts[j].destination)
        throw make_error(ErrorKind::invalid_argument, quoted(mounts[i].destination), ": duplicate mount destination");
  return mounts;
}

bool is_covered(const std::vector<MountWord>& mounts, const std::string& destination) {
  return std::any_of(mounts.begin(), mounts.end(),
                     [&](const MountWord& mount) { return mount.destination == destination; });
}

void check_bind_source(const MountWord& mount) {
  struct stat status {};
  if (::stat(mount.source.c_str(), &status) == 0) return;
  const base::Error cause = base::os_error("mount source ", quoted(mount.source));
  throw base::Error{cause}.with_hint(
      cause.kind() == ErrorKind::not_found
          ? concat("mkdir -p ", mount.source, "  (the source of a bind mount must exist)")
          : "");
}

void resolve_volume(Engine& engine, MountWord& mount, ResolvedMounts& result) {
  const bool anonymous = mount.source.empty();
  const std::string name = anonymous ? base::random_hex(32) : mount.source;
  const storage::Volume volume = storage::open_or_create_volume(engine.store(), name, anonymous);
  (anonymous ? result.anonymous_volumes : result.named_volumes).push_back(name);
  if (volume.needs_copy_up && mount.copy_up) result.copy_ups.push_back({name, mount.destination});
  mount.source = volume.data_path;
  if (!mount.subpath.empty())
    throw make_error(ErrorKind::unsupported, "mount of volume ", quoted(name), ": subpath is not supported yet");
}

}  // namespace

ResolvedMounts resolve_mounts(Engine& engine, const RunOptions& options, const std::vector<std::string>& image_volumes,
                              const std::string& work_dir) {
  ResolvedMounts result;
  result.mounts = user_mounts(options, work_dir);
  for (const std::string& path : image_volumes) {
    const std::string destination = clean_destination(path, path);
    if (!is_covered(result.mounts, destination)) result.mounts.push_back(parse_volume_word(destination, work_dir));
  }
  for (MountWord& mount : result.mounts) {
    if (mount.change_owner)
      throw make_error(ErrorKind::unsupported, "mount on ", quoted(mount.destination),
                       ": option \"U\" is not supported yet");
    if (mount.kind == MountWord::Kind::bind) check_bind_source(mount);
    if (mount.kind == MountWord::Kind::volume) resolve_volume(engine, mount, result);
  }
  return result;
}

void copy_up_volumes(Engine& engine, const std::string& container_id,
                     const std::vector<ResolvedMounts::CopyUp>& wanted) {
  if (wanted.empty()) return;
  std::vector<std::string> words{"copy-up", container_id};
  for (const ResolvedMounts::CopyUp& one : wanted) {
    words.push_back(one.volume);
    words.push_back(one.destination);
  }
  base::with_context([&] { run_inside(engine, words); }, "filling new volumes from the image");
}

}  // namespace engine
