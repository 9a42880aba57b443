#include "engine/resolve_mounts.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/path_in_root.hpp"
#include "engine/after_end.hpp"
#include "engine/events.hpp"
#include "engine/inside.hpp"
#include "engine/volume_options.hpp"
#include "engine/volumes_from.hpp"
#include "storage/images.hpp"
#include "storage/layers.hpp"
#include "storage/layout.hpp"
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

/// Folders whose owner nobody means to change. Source: podman-run(1), option U: "should be used with caution".
bool is_system_folder(const std::string& path) {
  const std::string cleaned = path == "/" ? path : path.substr(0, path.find_last_not_of('/') + 1);
  for (const char* folder : {"/",      "/bin", "/boot", "/dev",  "/etc",     "/home",    "/lib",       "/lib64",
                             "/media", "/mnt", "/opt",  "/proc", "/root",    "/run",     "/sbin",      "/srv",
                             "/sys",   "/tmp", "/usr",  "/var",  "/usr/bin", "/usr/lib", "/usr/local", "/var/lib"})
    if (cleaned == folder) return true;
  return false;
}

/// The path is looked at now so that a mistake is told early; what counts is what it is at each start.
void check_subpath(int folder, const MountWord& mount, std::string_view what) {
  try {
    if (base::try_open_in_root(folder, mount.subpath, O_PATH)) return;
  } catch (const base::Error& error) {
    if (error.kind() == ErrorKind::permission) return;  // inside the user namespace it may be reached
    throw;
  }
  throw make_error(ErrorKind::not_found, "subpath ", quoted(mount.subpath), " does not exist in ", what);
}

void add_subpath(MountWord& mount) {
  if (!mount.subpath.empty()) mount.options.push_back(concat("x-engine.subpath=", mount.subpath));
}

void become_tmpfs(MountWord& mount, const VolumeMeaning& meaning) {
  if (mount.id_map)
    throw make_error(ErrorKind::invalid_argument, "mount on ", quoted(mount.destination),
                     ": a volume in memory cannot ", "be idmapped");
  mount.kind = MountWord::Kind::tmpfs;
  std::erase_if(mount.options, [](const std::string& option) { return option == "rbind" || option == "bind"; });
  mount.options.insert(mount.options.end(), meaning.mount_options.begin(), meaning.mount_options.end());
  if (meaning.uid) mount.options.push_back(concat("uid=", *meaning.uid));
  if (meaning.gid) mount.options.push_back(concat("gid=", *meaning.gid));
  if (mount.copy_up && meaning.copy_up) mount.options.emplace_back("tmpcopyup");
}

void resolve_volume(Engine& engine, MountWord& mount, ResolvedMounts& result) {
  const bool anonymous = mount.source.empty();
  const std::string name = anonymous ? base::random_hex(32) : mount.source;
  const bool is_new = anonymous || !storage::find_volume(engine.store(), name);
  const storage::Volume volume = storage::open_or_create_volume(engine.store(), name, anonymous);
  if (is_new) note_volume_event(engine, "create", name);
  (anonymous ? result.anonymous_volumes : result.named_volumes).push_back(name);
  const VolumeMeaning meaning = parse_volume_options(volume.words.options);
  if (meaning.kind == VolumeMeaning::Kind::tmpfs) return become_tmpfs(mount, meaning);
  mount.options.insert(mount.options.end(), meaning.mount_options.begin(), meaning.mount_options.end());
  const bool is_folder = meaning.kind == VolumeMeaning::Kind::folder;
  mount.source = is_folder ? volume.data_path : meaning.device;
  if (!is_folder) check_bind_source(mount);
  if (!mount.subpath.empty())
    check_subpath(base::UniqueFd{::open(mount.source.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)}.get(), mount,
                  concat("volume ", quoted(name)));
  else if (is_folder && volume.needs_copy_up && mount.copy_up && meaning.copy_up)
    result.copy_ups.push_back({name, mount.destination});
}

/// Option O. What the container writes there lies in its folder, and goes with it.
void become_overlay(Engine& engine, MountWord& mount, const MountOwner& owner, ResolvedMounts& result) {
  const std::string folder = concat("overlay-", result.overlays.size());
  const std::string path =
      concat(engine.store().root_path(), "/", storage::layout::container(owner.container_id), "/", folder);
  mount.options = {concat("lowerdir=", mount.source), concat("upperdir=", path, "/upper"),
                   concat("workdir=", path, "/work"), "userxattr"};
  result.overlays.push_back({folder, mount.source});
}

/// The caller holds the garbage lock, so that its layers stay until the container's record names them.
void resolve_image(Engine& engine, MountWord& mount, const MountOwner& owner, ResolvedMounts& result) {
  const storage::Store& store = engine.store();
  const auto image = storage::resolve_image(store, mount.source);
  if (!image)
    throw make_error(ErrorKind::not_found, "image mount on ", quoted(mount.destination), ": no such image ",
                     quoted(mount.source))
        .with_hint(concat("engine pull ", mount.source));
  ResolvedMounts::ImageMount layers;
  for (const base::Digest& chain : image->record.chain_ids) {
    if (!storage::has_layer(store, chain, owner.variant))
      throw make_error(ErrorKind::unsupported, "image ", quoted(mount.source),
                       " is not unpacked for the ids of this container")
          .with_hint(concat("run it once with the same --userns: engine run --rm --userns … ", mount.source));
    layers.chain_ids.push_back(chain.text());
  }
  if (layers.chain_ids.empty())
    throw make_error(ErrorKind::unsupported, "image ", quoted(mount.source), " has no layers to mount");
  if (mount.writable) layers.copy = concat("image-", result.images.size());
  mount.kind = MountWord::Kind::bind;
  mount.source = concat(store.root_path(), "/",
                        mount.writable ? concat(storage::layout::container(owner.container_id), "/", layers.copy)
                                       : storage::layout::merged(image->record.chain_ids.back(), owner.variant),
                        "/tree");
  result.images.push_back(std::move(layers));
}

void add_volumes_from(Engine& engine, const RunOptions& options, ResolvedMounts& result) {
  for (const std::string& word : options.volumes_from) {
    for (MountWord& mount : mounts_from(engine, word)) {
      if (is_covered(result.mounts, mount.destination)) continue;
      if (const std::string name = volume_of_source(engine, mount.source); !name.empty()) {
        const auto volume = storage::find_volume(engine.store(), name);
        if (!volume) throw make_error(ErrorKind::not_found, "--volumes-from ", word, ": no such volume ", quoted(name));
        (volume->anonymous ? result.anonymous_volumes : result.named_volumes).push_back(name);
        result.inherited_volumes.push_back(name);
      }
      result.mounts.push_back(std::move(mount));
    }
  }
}

/// What --image-volume says.
void add_image_volumes(const std::string& mode, const std::vector<std::string>& paths, const MountOwner& owner,
                       ResolvedMounts& result) {
  if (mode == "ignore") return;
  for (const std::string& path : paths) {
    const std::string destination = clean_destination(path, path);
    if (is_covered(result.mounts, destination)) continue;
    result.mounts.push_back(mode == "tmpfs" ? parse_tmpfs_word(destination)
                                            : parse_volume_word(destination, owner.work_dir));
  }
}

void prepare_images(Engine& engine, const storage::ContainerRecord& record, const ResolvedMounts& mounts) {
  for (const ResolvedMounts::ImageMount& image : mounts.images) {
    std::vector<std::string> words{"prepare-image", record.id, image.copy};
    words.insert(words.end(), image.chain_ids.begin(), image.chain_ids.end());
    base::with_context([&] { run_inside(engine, words); }, "preparing an image to be mounted");
  }
}

void make_overlay_folders(Engine& engine, const storage::ContainerRecord& record, const ResolvedMounts& mounts) {
  if (mounts.overlays.empty()) return;
  const base::UniqueFd container = base::open_directory(engine.store().root(), storage::layout::container(record.id));
  for (const ResolvedMounts::Overlay& overlay : mounts.overlays)
    make_overlay_folder(container.get(), overlay.folder, overlay.source);
}

void copy_up_volumes(Engine& engine, const storage::ContainerRecord& record, const ResolvedMounts& mounts) {
  if (mounts.copy_ups.empty()) return;
  std::vector<std::string> words{"copy-up", record.id};
  for (const ResolvedMounts::CopyUp& one : mounts.copy_ups) {
    words.push_back(one.volume);
    words.push_back(one.destination);
  }
  base::with_context([&] { run_inside(engine, words); }, "filling new volumes from the image");
}

void change_owners(Engine& engine, const storage::ContainerRecord& record, const ResolvedMounts& mounts) {
  if (mounts.owner_changes.empty()) return;
  std::vector<std::string> words{"change-owner", record.id};
  for (const ResolvedMounts::OwnerChange& one : mounts.owner_changes) {
    words.push_back(one.source);
    words.push_back(one.subpath);
  }
  run_inside(engine, words);
}

/// From here on it is our record that keeps them; whoever removed one before has been faster.
void check_inherited_volumes(Engine& engine, const ResolvedMounts& mounts) {
  for (const std::string& name : mounts.inherited_volumes) {
    const base::FileLock lock = storage::lock_volume(engine.store(), name);
    if (!storage::find_volume(engine.store(), name))
      throw make_error(ErrorKind::not_found, "volume ", quoted(name), " was removed meanwhile");
  }
}

}  // namespace

ResolvedMounts resolve_mounts(Engine& engine, const RunOptions& options, const std::vector<std::string>& image_volumes,
                              const MountOwner& owner) {
  ResolvedMounts result;
  result.mounts = user_mounts(options, owner.work_dir);
  for (MountWord& mount : result.mounts) {
    if (mount.kind == MountWord::Kind::bind) check_bind_source(mount);
    if (mount.kind == MountWord::Kind::image) resolve_image(engine, mount, owner, result);
  }
  add_volumes_from(engine, options, result);
  add_image_volumes(options.image_volume, image_volumes, owner, result);
  for (MountWord& mount : result.mounts) {
    if (mount.kind == MountWord::Kind::volume) resolve_volume(engine, mount, result);
    add_subpath(mount);
    if (mount.is_overlay) become_overlay(engine, mount, owner, result);
    if (!mount.change_owner || mount.kind == MountWord::Kind::tmpfs || mount.is_overlay) continue;
    if (is_system_folder(mount.source))
      throw make_error(ErrorKind::invalid_argument, "mount on ", quoted(mount.destination), ": option U would change ",
                       "the owner of ", quoted(mount.source));
    result.owner_changes.push_back({mount.source, mount.subpath});
  }
  return result;
}

void prepare_mounts(Engine& engine, const storage::ContainerRecord& record, const ResolvedMounts& mounts) {
  make_overlay_folders(engine, record, mounts);
  check_inherited_volumes(engine, mounts);
  prepare_images(engine, record, mounts);
  copy_up_volumes(engine, record, mounts);
  change_owners(engine, record, mounts);
}

}  // namespace engine
