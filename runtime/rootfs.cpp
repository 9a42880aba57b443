#include "runtime/rootfs.hpp"

#include <array>
#include <climits>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/log.hpp"

namespace runtime {
namespace {

using base::FilesystemContext;
using base::UniqueFd;

constexpr unsigned fuse_major = 10;
constexpr unsigned fuse_minor = 229;

std::string link_of(int fd) {
  return base::concat("/proc/self/fd/", fd);
}

std::string path_of(int fd) {
  std::array<char, PATH_MAX> buffer{};
  const ssize_t size = ::readlink(link_of(fd).c_str(), buffer.data(), buffer.size());
  if (size < 0) throw base::os_error("asking for the path of a directory of the root file system");
  return {buffer.data(), static_cast<std::size_t>(size)};
}

struct stat status_of(int fd) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) throw base::os_error("examining a directory of the root file system");
  return status;
}

UniqueFd open_by_path(const std::string& path) {
  UniqueFd fd{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!fd) throw base::os_error("opening ", base::quoted(path));
  return fd;
}

UniqueFd reopen(int foreign) {
  const std::string path = path_of(foreign);
  UniqueFd fd = open_by_path(path);
  const struct stat before = status_of(foreign);
  const struct stat after = status_of(fd.get());
  if (before.st_dev != after.st_dev || before.st_ino != after.st_ino)
    throw base::make_error(base::ErrorKind::internal, base::quoted(path), " was replaced while the container started");
  return fd;
}

// The attributes that make an overlay ours: opaque directories are stored in user.overlay.*, which an ordinary user may
// write; without it the mount succeeds, but removing and remaking a directory of a lower layer fails with EIO.
void set_overlay_flags(FilesystemContext& context, const RootfsSource& source) {
  context.set("source", "overlay").set_flag("userxattr");
  if (source.upper && source.volatile_upper) context.set_flag("volatile");
}

/// How a kernel wants its layers: descriptors since 6.13, names one at a time since 6.5, before that all in one text.
enum class LayerForm { descriptors, names, one_text };

/// Gives `context` its first layer as a descriptor, and learns from the refusal what the kernel knows.
LayerForm try_descriptor(FilesystemContext& context, int lower) {
  try {
    context.set_fd("lowerdir+", lower);
    return LayerForm::descriptors;
  } catch (const base::Error& error) {
    if (error.code() != EINVAL && error.code() != EOPNOTSUPP) throw;
    base::log(base::LogLevel::debug, "overlay: ", error.what());
    return error.code() == EINVAL ? LayerForm::names : LayerForm::one_text;
  }
}

UniqueFd mount_overlay_by_descriptors(FilesystemContext& context, const RootfsSource& source) {
  for (std::size_t i = 1; i < source.lowers.size(); ++i) context.set_fd("lowerdir+", source.lowers[i].get());
  if (source.upper) context.set_fd("upperdir", source.upper.get()).set_fd("workdir", source.work.get());
  return context.create();
}

UniqueFd mount_overlay_by_names(const RootfsSource& source) {
  FilesystemContext context{"overlay"};
  set_overlay_flags(context, source);
  for (const UniqueFd& lower : source.lowers) context.set("lowerdir+", link_of(lower.get()));
  if (source.upper) context.set("upperdir", link_of(source.upper.get())).set("workdir", link_of(source.work.get()));
  return context.create();
}

// Before 6.5 fsconfig takes no more than 255 bytes for all lowers together, so mount(2) has to do it. It needs a place:
// the upper directory itself, in our own mount namespace, which keeps nothing of it after pivot_root.
UniqueFd mount_overlay_classically(const RootfsSource& source) {
  std::string data = "userxattr,lowerdir=";
  for (const UniqueFd& lower : source.lowers)
    data.append(&lower == &source.lowers.front() ? "" : ":").append(link_of(lower.get()));
  if (source.upper)
    data.append(base::concat(",upperdir=", link_of(source.upper.get()), ",workdir=", link_of(source.work.get())));
  if (source.upper && source.volatile_upper) data.append(",volatile");
  const std::string place = path_of(source.upper ? source.upper.get() : source.lowers.front().get());
  base::mount_path("overlay", place, "overlay", 0, data);
  return base::clone_tree(AT_FDCWD, place, false);
}

UniqueFd mount_overlay(const RootfsSource& source) {
  // overlayfs wants two lowers when nothing is writable; one alone needs no overlay.
  if (!source.upper && source.lowers.size() == 1) return base::clone_tree(source.lowers.front().get(), "", false);
  FilesystemContext context{"overlay"};
  if (context.is_classic()) return mount_overlay_classically(source);
  set_overlay_flags(context, source);
  switch (try_descriptor(context, source.lowers.front().get())) {
    case LayerForm::descriptors:
      return mount_overlay_by_descriptors(context, source);
    case LayerForm::names:
      return mount_overlay_by_names(source);
    case LayerForm::one_text:
      break;
  }
  return mount_overlay_classically(source);
}

UniqueFd mount_fuse(const std::function<void(int fuse_fd)>& serve_fuse) {
  // Opened here, since the kernel wants the device to be opened in the user namespace that mounts.
  const UniqueFd device{::open("/dev/fuse", O_RDWR | O_CLOEXEC)};
  if (!device) throw base::os_error("opening \"/dev/fuse\"");
  const struct stat status = status_of(device.get());
  if (!S_ISCHR(status.st_mode) || status.st_rdev != makedev(fuse_major, fuse_minor))
    throw base::make_error(base::ErrorKind::unsupported, "\"/dev/fuse\" is not the fuse device");
  UniqueFd mount = FilesystemContext{"fuse"}
                       .set("source", "fuse-overlayfs")
                       .set("fd", base::concat(device.get()))
                       .set("rootmode", "40000")
                       .set("user_id", "0")
                       .set("group_id", "0")
                       .set_flag("default_permissions")
                       .set_flag("allow_other")
                       .create();
  serve_fuse(device.get());
  return mount;
}

UniqueFd duplicate(int fd) {
  UniqueFd copy{::fcntl(fd, F_DUPFD_CLOEXEC, 0)};
  if (!copy) throw base::os_error("duplicating a descriptor of the root file system");
  return copy;
}

/// An overlay over what a server shows of the lowers. Before 6.15 no detached mount can be a lower: then it lies on the
/// upper directory, in our own mount namespace, which keeps nothing of it after pivot_root.
UniqueFd mount_overlay_over_fuse(const RootfsSource& source, const KernelFeatures& kernel,
                                 const std::function<void(int fuse_fd)>& serve_fuse) {
  RootfsSource shown{.driver = source.driver, .volatile_upper = source.volatile_upper};
  shown.upper = duplicate(source.upper.get());
  shown.work = duplicate(source.work.get());
  UniqueFd fuse = mount_fuse(serve_fuse);
  if (!kernel.assembles_detached) base::attach(fuse.get(), shown.upper.get());
  shown.lowers.push_back(std::move(fuse));
  return mount_overlay(shown);
}

}  // namespace

RootfsSource reopen_rootfs(const base::RootfsMount& mount) {
  RootfsSource source{.driver = mount.driver,
                      .read_only = mount.read_only,
                      .volatile_upper = mount.volatile_upper,
                      .served_lowers = mount.served_lowers};
  if (mount.lowers.empty()) throw base::make_error(base::ErrorKind::internal, "a root file system without directories");
  // The server of fuse-overlayfs opens them itself.
  if (mount.driver == base::RootfsDriver::fuse_overlayfs) return source;
  if (!mount.served_lowers)
    for (const UniqueFd& lower : mount.lowers) source.lowers.push_back(reopen(lower.get()));
  if (mount.upper) {
    source.upper = reopen(mount.upper.get());
    source.work = reopen(mount.work.get());
  }
  return source;
}

RootfsSource open_rootfs(const std::string& path) {
  RootfsSource source;
  source.lowers.push_back(open_by_path(path));
  return source;
}

UniqueFd mount_rootfs(const RootfsSource& source, const KernelFeatures& kernel,
                      const std::function<void(int fuse_fd)>& serve_fuse) {
  UniqueFd root;
  switch (source.driver) {
    case base::RootfsDriver::overlay:
      root = source.served_lowers ? mount_overlay_over_fuse(source, kernel, serve_fuse) : mount_overlay(source);
      break;
    case base::RootfsDriver::fuse_overlayfs:
      root = mount_fuse(serve_fuse);
      break;
    case base::RootfsDriver::copy:
    case base::RootfsDriver::plain:
      root = base::clone_tree(source.lowers.front().get(), "", true);
      break;
  }
  // Others may share this tree, so not even a mount point may be made in it.
  if (source.read_only && kernel.sets_attributes) base::set_attributes(root.get(), MOUNT_ATTR_RDONLY, 0, false);
  return root;
}

base::UniqueFd mount_rootfs_detached(const base::RootfsMount& mount) {
  return mount_rootfs(reopen_rootfs(mount), running_kernel_features(), [](int) {
    throw base::make_error(base::ErrorKind::unsupported, "fuse-overlayfs needs a server, and none can be started here");
  });
}

}  // namespace runtime
