#include "runtime/mounts.hpp"

#include <algorithm>
#include <array>
#include <climits>
#include <fcntl.h>
#include <iterator>
#include <linux/magic.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/mount.hpp"
#include "base/path_in_root.hpp"
#include "runtime/copy_up.hpp"
#include "runtime/mounts_cgroup.hpp"

namespace runtime {
namespace {

using base::ErrorKind;
using base::UniqueFd;

// Files of procfs that a container may have replaced, as lxcfs does. Anything else there is refused, since security
// settings are written below /proc (CVE-2019-16884, CVE-2019-19921).
constexpr std::string_view replaceable_proc_files[] = {
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/swaps",
    "/proc/uptime",
    "/proc/loadavg",
    "/proc/slabinfo",
    "/proc/sys/kernel/ns_last_pid",
    "/proc/sys/crypto/fips_enabled",
};

/// Where the link `path` points; empty when it is none.
std::string target_of_link(const std::string& path) {
  std::array<char, PATH_MAX> text{};
  const ssize_t size = ::readlink(path.c_str(), text.data(), text.size());
  return size > 0 ? std::string{text.data(), static_cast<std::size_t>(size)} : std::string{};
}

/// mode, uid or gid of a tmpfs.
bool says_whose(const MountOptions& options) {
  return std::any_of(options.data.begin(), options.data.end(), [](const auto& option) {
    return option.first == "mode" || option.first == "uid" || option.first == "gid";
  });
}

// Other kernels do not know the mount option "context", and ignoring it would be ignoring a boundary.
void check_label(const std::string& label) {
  if (!label.empty() && ::access("/sys/fs/selinux/enforce", F_OK) != 0)
    throw base::make_error(ErrorKind::unsupported,
                           "config.json: linux.mountLabel is given, but this kernel does not run SELinux");
}

PreparedMount prepare_bind(const MountStep& step, const UniqueFd& mapped, bool private_by_default) {
  PreparedMount prepared{.step = &step};
  if (step.options.copy_symlink) prepared.link_target = target_of_link(step.source);
  if (!prepared.link_target.empty()) {
    if (step.destination == "/proc" || step.destination == "/sys")
      throw base::make_error(ErrorKind::invalid_argument, "a link may not stand for ", base::quoted(step.destination));
    return prepared;
  }
  if (mapped)
    prepared.bind.tree = base::duplicate(mapped.get());  // its attributes were set where it was mapped
  else
    prepared.bind = loose_bind(step, clone_bind_source(step), private_by_default);
  struct stat status {};
  const int tree = prepared.bind.tree.get();
  if (::fstat(tree, &status) != 0) throw base::os_error("examining ", base::quoted(step.source));
  prepared.is_directory = S_ISDIR(status.st_mode);
  if (step.destination == "/proc" && filesystem_magic(tree) != PROC_SUPER_MAGIC)
    throw base::make_error(ErrorKind::invalid_argument, "only procfs may be mounted on \"/proc\"");
  return prepared;
}

// procfs and sysfs go where their names say or nowhere: a link there would put what we later write or mask elsewhere.
UniqueFd open_fixed_target(int root, const std::string& destination) {
  const std::string name = destination.substr(1);
  try {
    return base::open_beneath(root, name, O_PATH | O_DIRECTORY);
  } catch (const base::Error& error) {
    if (error.code() == ENOENT) return base::make_directories_in_root(root, destination).fd;
    if (error.code() == EXDEV) return base::open_in_root(root, destination, O_PATH | O_DIRECTORY);  // mounted before
    if (error.code() != ELOOP && error.code() != ENOTDIR) throw;
    throw base::make_error(ErrorKind::invalid_argument, base::quoted(destination),
                           " of the root file system is not a directory, or is behind a symbolic link");
  }
}

UniqueFd open_target(int root, const PreparedMount& mount) {
  const MountStep& step = *mount.step;
  if (step.destination == "/proc" || step.destination == "/sys") return open_fixed_target(root, step.destination);
  if (step.options.destination_nofollow)
    if (UniqueFd target = base::try_open_in_root(root, step.destination, O_PATH | O_NOFOLLOW)) return target;
  if (step.kind != MountKind::bind || mount.is_directory)
    return base::make_directories_in_root(root, step.destination).fd;
  return base::make_file_in_root(root, step.destination);
}

void check_target(int target, const MountStep& step) {
  if (step.destination == "/proc" || filesystem_magic(target) != PROC_SUPER_MAGIC) return;
  if (std::find(std::begin(replaceable_proc_files), std::end(replaceable_proc_files), step.destination) ==
      std::end(replaceable_proc_files))
    throw base::make_error(ErrorKind::invalid_argument, "nothing may be mounted inside procfs there");
}

void make_link(int root, const PreparedMount& mount) {
  const std::string& path = mount.step->destination;
  const std::size_t slash = path.rfind('/');
  const std::string name = path.substr(slash + 1);
  const UniqueFd directory = base::make_directories_in_root(root, path.substr(0, slash + 1)).fd;
  if (::symlinkat(mount.link_target.c_str(), directory.get(), name.c_str()) == 0) return;
  const int code = errno;
  std::array<char, PATH_MAX> text{};
  const ssize_t size = ::readlinkat(directory.get(), name.c_str(), text.data(), text.size());
  if (code == EEXIST && size >= 0 && std::string_view{text.data(), static_cast<std::size_t>(size)} == mount.link_target)
    return;
  throw base::error_from_code(code, "making the link");
}

void finish_mount(const MountStep& step, UniqueFd tree, const HostDevices& devices, MountedTrees& mounted) {
  if (step.kind == MountKind::device_tmpfs) {
    populate_dev(tree.get(), devices);
    mounted.dev = std::move(tree);
  } else if (step.kind == MountKind::devpts && step.destination == "/dev/pts") {
    mounted.devpts = std::move(tree);
  } else if (step.destination == "/proc") {
    mounted.proc = std::move(tree);
  }
}

class Mounter {
 public:
  Mounter(int root, const ContainerPlan& plan, const HostDevices& devices, const RootAttachment& attachment)
      : root_(root), plan_(plan), devices_(devices), attachment_(attachment), kernel_(attachment.kernel) {}

  // Below a detached root older kernels refuse to mount, and all refuse to change what is mounted there.
  void run(const PreparedMount& mount) {
    try {
      return mount_one(mount);
    } catch (const base::Error& error) {
      if (error.code() != EINVAL || !kernel_.assembles_detached) throw;
      base::log(base::LogLevel::debug, "attaching the root file system first: ", error.what());
    }
    attachment_.attach();
    kernel_.assembles_detached = false;
    mount_one(mount);
  }

  MountedTrees take() { return std::move(mounted_); }

 private:
  void mount_one(const PreparedMount& mount) {
    const MountStep& step = *mount.step;
    if (!mount.link_target.empty()) return make_link(root_, mount);
    if (step.kind == MountKind::remount)
      return change_mount(base::open_in_root(root_, step.destination, O_PATH).get(), step.options);
    if (mount.is_shared || (step.kind == MountKind::bind && kernel_.clones_trees)) return put(mount, mount.bind);
    if (step.kind == MountKind::bind)
      return put(mount, loose_bind(step, base::clone_tree(mount.bind.tree.get(), "", step.options.recursive_bind),
                                   plan_.keeps_host_propagation));
    return put(mount, make_filesystem(step, plan_));
  }

  void put(const PreparedMount& mount, const LooseMount& loose) {
    const MountStep& step = *mount.step;
    const int tree = loose.tree.get();
    const UniqueFd target = open_target(root_, mount);
    check_target(target.get(), step);
    if (step.options.copy_up) copy_up(target.get(), tree, says_whose(step.options));
    const bool has_hierarchies = step.kind == MountKind::cgroup && !host_has_only_cgroup2();
    if (kernel_.sets_attributes) apply_attributes(loose);
    if (has_hierarchies && kernel_.assembles_detached) populate_cgroup1(tree, step, plan_.namespaces);
    base::attach(tree, target.get());
    if (has_hierarchies && !kernel_.assembles_detached) populate_cgroup1(tree, step, plan_.namespaces);
    if (!kernel_.sets_attributes) apply_attributes(loose);
    finish_mount(step, base::duplicate(tree), devices_, mounted_);
  }

  int root_;
  const ContainerPlan& plan_;
  const HostDevices& devices_;
  const RootAttachment& attachment_;
  KernelFeatures& kernel_;
  MountedTrees mounted_;
};

}  // namespace

std::vector<PreparedMount> prepare_mounts(const ContainerPlan& plan, const std::vector<UniqueFd>& mapped) {
  static const UniqueFd none;
  check_label(plan.mount_label.text);
  std::vector<PreparedMount> mounts;
  mounts.reserve(plan.mounts.size());
  for (std::size_t i = 0; i < plan.mounts.size(); ++i) {
    const MountStep& step = plan.mounts[i];
    if (step.kind != MountKind::bind) {
      mounts.push_back({.step = &step});
      continue;
    }
    const UniqueFd& own = i < mapped.size() ? mapped[i] : none;
    base::with_context([&] { mounts.push_back(prepare_bind(step, own, plan.keeps_host_propagation)); }, "binding ",
                       base::quoted(step.source), " on ", base::quoted(step.destination));
  }
  return mounts;
}

MountedTrees mount_all(int root, const std::vector<PreparedMount>& mounts, const ContainerPlan& plan,
                       const HostDevices& devices, const RootAttachment& attachment) {
  Mounter mounter{root, plan, devices, attachment};
  for (const PreparedMount& mount : mounts)
    base::with_context([&] { mounter.run(mount); }, "mounting ",
                       mount.step->kind == MountKind::bind ? mount.step->source : mount.step->type, " on ",
                       base::quoted(mount.step->destination));
  return mounter.take();
}

}  // namespace runtime
