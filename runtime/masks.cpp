#include "runtime/masks.hpp"

#include <fcntl.h>
#include <linux/mount.h>
#include <optional>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/mount.hpp"
#include "base/path_in_root.hpp"

namespace runtime {
namespace {

constexpr std::uint64_t inert = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

/// One mount for many places: itself on the first, cloned for the others, because a mount that was never attached
/// cannot be cloned before Linux 6.15.
class Cover {
 public:
  Cover(base::UniqueFd mount, bool is_mount) : mount_(std::move(mount)), is_attached_(!is_mount) {}

  void attach_to(int target) {
    if (is_attached_) return base::attach(base::clone_tree(mount_.get(), "", false).get(), target);
    base::attach(mount_.get(), target);
    is_attached_ = true;
  }

 private:
  base::UniqueFd mount_;
  bool is_attached_;  ///< Or is no mount of its own but what is to be cloned.
};

base::UniqueFd make_empty_directory() {
  return base::FilesystemContext{"tmpfs"}.set("mode", "0555").set("nr_inodes", "1").create(inert);
}

}  // namespace

void mask_paths(int root, const std::vector<std::string>& paths, int null_device) {
  Cover null{base::duplicate(null_device), base::has_open_tree()};
  std::optional<Cover> empty;
  for (const std::string& path : paths) {
    const base::UniqueFd target = base::try_open_in_root(root, path, O_PATH);
    if (!target) continue;
    struct stat status {};
    if (::fstat(target.get(), &status) != 0) throw base::os_error("examining ", base::quoted(path));
    base::with_context(
        [&] {
          if (S_ISDIR(status.st_mode) && !empty) empty.emplace(make_empty_directory(), true);
          (S_ISDIR(status.st_mode) ? *empty : null).attach_to(target.get());
        },
        "masking ", base::quoted(path));
  }
}

void protect_paths(int root, const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    const base::UniqueFd target = base::try_open_in_root(root, path, O_PATH);
    if (!target) continue;
    base::with_context(
        [&] {
          const base::UniqueFd tree = base::clone_tree(target.get(), "", true);
          const bool early = base::has_mount_setattr();
          if (early) base::set_attributes(tree.get(), MOUNT_ATTR_RDONLY, 0, true);
          base::attach(tree.get(), target.get());
          if (!early) base::set_attributes(tree.get(), MOUNT_ATTR_RDONLY, 0, true);
        },
        "making ", base::quoted(path), " read-only");
  }
}

}  // namespace runtime
