#include "storage/overlay.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "storage/copy_tree.hpp"
#include "storage/layers.hpp"
#include "storage/layout.hpp"
#include "storage/merged_tree.hpp"
#include "storage/staging.hpp"

namespace storage {

namespace {

constexpr const char* copied_tree = "tree";
constexpr const char* unfinished_tree = ".tree-new";

/// Made with exactly this mode, whatever the umask: that of `upper` is the mode of the container's "/".
base::UniqueFd open_or_make(int dir, const char* name, mode_t mode) {
  if (::mkdirat(dir, name, mode) == 0) {
    if (::fchmodat(dir, name, mode, 0) != 0) throw base::os_error("setting the mode of ", base::quoted(name));
  } else if (errno != EEXIST) {
    throw base::os_error("making the folder ", base::quoted(name));
  }
  base::UniqueFd fd{::openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) throw base::os_error("opening the folder ", base::quoted(name));
  return fd;
}

mode_t mode_of(int dir) {
  struct stat info {};
  if (::fstat(dir, &info) != 0) throw base::os_error("looking at the root of a layer");
  return info.st_mode & 07777;
}

base::UniqueFd open_tree_path(int dir, const std::string& path) {
  base::UniqueFd fd{::openat(dir, path.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) throw base::os_error("opening the container's copied tree");
  return fd;
}

std::string merged_path(const RootfsRequest& request) {
  if (request.chain_ids.empty()) throw base::make_error(base::ErrorKind::unsupported, "the image has no layers");
  return layout::merged(request.chain_ids.back(), request.variant);
}

/// An image's merged tree, made once: in staging, then renamed as a whole.
void make_merged_tree(const Store& store, const RootfsRequest& request) {
  const std::string path = merged_path(request);
  if (base::exists(store.root(), path)) return;
  const std::vector<base::UniqueFd> lowers = open_layer_diffs(store, request.chain_ids, request.variant);
  const Staging staging = Staging::begin(store);
  const base::UniqueFd wrapper = base::make_directory(staging.dir(), "merged");
  const base::UniqueFd tree = base::make_directory(wrapper.get(), "tree");
  merge_layers(lowers, tree.get(), are_own_layers(store, request.chain_ids, request.variant));
  staging.flush();
  // When another process was first, ours goes away with the staging folder.
  base::rename_no_replace(staging.dir(), "merged", store.root(), path);
}

}  // namespace

std::string_view name_of(base::RootfsDriver driver) {
  switch (driver) {
    case base::RootfsDriver::overlay:
      return "overlay";
    case base::RootfsDriver::fuse_overlayfs:
      return "fuse-overlayfs";
    case base::RootfsDriver::copy:
      return "copy";
    case base::RootfsDriver::plain:
      return "plain";
  }
  return "unknown";
}

base::RootfsDriver parse_driver(std::string_view name) {
  for (const auto driver :
       {base::RootfsDriver::overlay, base::RootfsDriver::fuse_overlayfs, base::RootfsDriver::copy}) {
    if (name == name_of(driver)) return driver;
  }
  throw base::Error{base::ErrorKind::invalid_argument, base::concat("unknown storage driver ", base::quoted(name)),
                    "drivers are overlay, fuse-overlayfs and copy"};
}

base::RootfsMount plan_rootfs(const Store& store, const RootfsRequest& request) {
  base::RootfsMount mount;
  mount.driver = request.driver;
  mount.read_only = request.read_only;
  switch (request.driver) {
    case base::RootfsDriver::overlay:
    case base::RootfsDriver::fuse_overlayfs:
      if (request.folder.empty())
        mount.lowers = open_layer_diffs(store, request.chain_ids, request.variant);
      else
        mount.lowers.push_back(base::open_directory(AT_FDCWD, request.folder));
      mount.upper = open_or_make(request.container_dir, "upper", mode_of(mount.lowers.front().get()));
      mount.work = open_or_make(request.container_dir, "work", 0700);
      mount.volatile_upper = request.volatile_upper;
      mount.served_lowers = request.served_lowers;
      return mount;
    case base::RootfsDriver::copy:
      mount.lowers.push_back(request.read_only
                                 ? open_tree_path(store.root(), base::concat(merged_path(request), "/tree"))
                                 : open_tree_path(request.container_dir, copied_tree));
      return mount;
    case base::RootfsDriver::plain:
      break;
  }
  throw base::make_error(base::ErrorKind::internal, "a plain root file system needs no plan of the store");
}

std::uint64_t prepare_copy(const Store& store, const RootfsRequest& request) {
  if (!request.read_only && base::exists(request.container_dir, copied_tree)) return 0;
  make_merged_tree(store, request);
  if (request.read_only) return 0;
  const base::UniqueFd merged = base::open_directory(store.root(), base::concat(merged_path(request), "/tree"));
  base::remove_tree(request.container_dir, unfinished_tree);
  const base::UniqueFd tree = base::make_directory(request.container_dir, unfinished_tree);
  const std::uint64_t copied = copy_tree(merged.get(), tree.get());
  base::rename_replace(request.container_dir, unfinished_tree, request.container_dir, copied_tree);
  return copied;
}

}  // namespace storage
