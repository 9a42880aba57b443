#include "runtime/shared_memory.hpp"

#include <algorithm>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/mount.hpp"
#include "runtime/init_setup.hpp"

namespace runtime {
namespace {

using base::UniqueFd;

constexpr std::uint64_t propagation_private = 1u << 18;  // MS_PRIVATE

UniqueFd open_path(int at, const char* path, int flags) {
  UniqueFd fd{::openat(at, path, flags | O_CLOEXEC)};
  if (!fd) throw base::os_error("opening ", base::quoted(path));
  return fd;
}

void enter_mounts(int mount_namespace) {
  if (::setns(mount_namespace, CLONE_NEWNS) != 0) throw base::os_error("entering a mount namespace");
}

bool is_mounted_tmpfs(int fd) {
  struct statx status {};
  return ::statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &status) == 0 &&
         (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0 && filesystem_magic(fd) == TMPFS_MAGIC;
}

// One component at a time, since none may be a link: whoever is root there chooses what is there.
UniqueFd clone_shared_memory() {
  const UniqueFd devices = open_path(AT_FDCWD, "/dev", O_PATH | O_DIRECTORY | O_NOFOLLOW);
  const UniqueFd memory = open_path(devices.get(), "shm", O_PATH | O_DIRECTORY | O_NOFOLLOW);
  if (!is_mounted_tmpfs(memory.get()))
    throw base::make_error(base::ErrorKind::in_use, "no tmpfs is mounted there any more");
  return base::clone_tree(memory.get(), "", false);
}

UniqueFd clone_from(int owner) {
  const UniqueFd own_root = open_path(AT_FDCWD, "/", O_PATH | O_DIRECTORY);
  const UniqueFd own_mounts = open_path(AT_FDCWD, "/proc/self/ns/mnt", O_RDONLY);
  enter_mounts(owner);
  UniqueFd tree = clone_shared_memory();  // on failure we end there, which tells nobody anything
  enter_mounts(own_mounts.get());
  chroot_into(own_root.get());
  return tree;
}

}  // namespace

void share_memory(std::vector<PreparedMount>& mounts, int owner) {
  const auto place = std::find_if(mounts.begin(), mounts.end(), [](const PreparedMount& mount) {
    return mount.step->destination == "/dev/shm" && mount.step->type == "tmpfs";
  });
  if (place == mounts.end()) return;
  if (!base::has_open_tree()) {
    base::log(base::LogLevel::warn, "the container has a /dev/shm of its own: this kernel has no open_tree(2)");
    return;
  }
  place->bind.tree = base::with_context([&] { return clone_from(owner); }, "sharing the other container's /dev/shm");
  place->bind.set = place->step->options.set;
  place->bind.propagation = propagation_private;
  place->is_shared = true;
}

}  // namespace runtime
