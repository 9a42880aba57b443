#include "runtime/masks.hpp"

#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/mount.hpp"
#include "base/path_in_root.hpp"

namespace runtime {
namespace {

constexpr std::uint64_t inert = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

/// One empty directory for all masks: mounted on the first, cloned for the others, because a mount that was never
/// attached cannot be cloned before Linux 6.15.
class EmptyDirectory {
 public:
  void attach_to(int target) {
    if (mount_) return base::attach(base::clone_tree(mount_.get(), "", false).get(), target);
    mount_ = base::FilesystemContext{"tmpfs"}.set("mode", "0555").set("nr_inodes", "1").create(inert);
    base::attach(mount_.get(), target);
  }

 private:
  base::UniqueFd mount_;
};

}  // namespace

void mask_paths(int root, const std::vector<std::string>& paths, int null_device) {
  EmptyDirectory empty;
  for (const std::string& path : paths) {
    const base::UniqueFd target = base::try_open_in_root(root, path, O_PATH);
    if (!target) continue;
    struct stat status {};
    if (::fstat(target.get(), &status) != 0) throw base::os_error("examining ", base::quoted(path));
    base::with_context(
        [&] {
          if (S_ISDIR(status.st_mode))
            empty.attach_to(target.get());
          else
            base::attach(base::clone_tree(null_device, "", false).get(), target.get());
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
          base::set_attributes(tree.get(), MOUNT_ATTR_RDONLY, 0, true);
          base::attach(tree.get(), target.get());
        },
        "making ", base::quoted(path), " read-only");
  }
}

}  // namespace runtime
