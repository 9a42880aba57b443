#include "runtime/mounts.hpp"

#include <algorithm>
#include <fcntl.h>
#include <iterator>
#include <linux/magic.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/mount.hpp"
#include "base/path_in_root.hpp"
#include "runtime/copy_up.hpp"

namespace runtime {
namespace {

using base::ErrorKind;
using base::FilesystemContext;
using base::UniqueFd;

constexpr std::uint64_t propagation_private = 1u << 18;  // MS_PRIVATE
constexpr long cgroup2_magic = 0x63677270;               // CGROUP2_SUPER_MAGIC

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

long filesystem_magic(int fd) {
  struct statfs status {};
  if (::fstatfs(fd, &status) != 0) throw base::os_error("asking for the file system type");
  return static_cast<long>(status.f_type);
}

bool is_kernel_tree(int fd) {
  const long magic = filesystem_magic(fd);
  return magic == SYSFS_MAGIC || magic == cgroup2_magic || magic == CGROUP_SUPER_MAGIC;
}

// Flags inherited from the host's mounts are locked in a user namespace: adding works, taking away is EPERM.
void add_attributes(int tree, std::uint64_t set, std::uint64_t clear, bool recursive) {
  if (set == 0 && clear == 0) return;
  try {
    base::set_attributes(tree, set, clear, recursive);
  } catch (const base::Error& error) {
    if (clear == 0 || error.code() != EPERM) throw;
    base::log(base::LogLevel::debug, "mount flags of the host stay: ", error.what());
    const std::uint64_t additions = set & ~std::uint64_t{MOUNT_ATTR__ATIME};
    if (additions != 0) base::set_attributes(tree, additions, 0, recursive);
  }
}

void apply_bind_options(int tree, const MountOptions& options, bool private_by_default) {
  // The kernel's own trees may not be half writable: what is mounted below sysfs belongs to the host (CVE-2023-25809).
  const bool whole = (options.set & MOUNT_ATTR_RDONLY) != 0 && is_kernel_tree(tree);
  add_attributes(tree, options.set, options.clear, whole);
  add_attributes(tree, options.recursive_set, options.recursive_clear, true);
  if (options.propagation != 0)
    base::set_propagation(tree, options.propagation, options.recursive_propagation);
  else if (private_by_default)
    base::set_propagation(tree, propagation_private, true);
}

UniqueFd clone_source(const MountStep& step) {
  try {
    return base::clone_tree(AT_FDCWD, step.source, step.options.recursive_bind);
  } catch (const base::Error& error) {
    // In a user namespace the kernel refuses to uncover what is mounted below (EINVAL); with it is what remains.
    if (error.code() != EINVAL || step.options.recursive_bind) throw;
    base::log(base::LogLevel::debug, "binding ", base::quoted(step.source), " with all mounts below it");
    return base::clone_tree(AT_FDCWD, step.source, true);
  }
}

PreparedMount prepare_bind(const MountStep& step, bool private_by_default) {
  PreparedMount prepared{.step = &step, .tree = clone_source(step)};
  struct stat status {};
  if (::fstat(prepared.tree.get(), &status) != 0) throw base::os_error("examining ", base::quoted(step.source));
  prepared.is_directory = S_ISDIR(status.st_mode);
  apply_bind_options(prepared.tree.get(), step.options, private_by_default);
  if (step.destination == "/proc" && filesystem_magic(prepared.tree.get()) != PROC_SUPER_MAGIC)
    throw base::make_error(ErrorKind::invalid_argument, "only procfs may be mounted on \"/proc\"");
  return prepared;
}

void set_data(FilesystemContext& context, const MountStep& step) {
  if (!step.source.empty()) context.set("source", step.source);
  for (const auto& [key, value] : step.options.data) {
    if (value)
      context.set(key, *value);
    else
      context.set_flag(key);
  }
}

UniqueFd mount_filesystem(const MountStep& step, const std::string& type) {
  FilesystemContext context{type};
  set_data(context, step);
  return context.create(step.options.set);
}

// The host's own tree in place of a fresh one that the kernel refuses us; read-only where asked, and always in a user
// namespace of ours, where parts of sysfs may belong to the user.
UniqueFd clone_host_tree(const MountStep& step, const std::string& path, bool read_only) {
  UniqueFd tree = base::clone_tree(AT_FDCWD, path, true);
  add_attributes(tree.get(), step.options.set | (read_only ? MOUNT_ATTR_RDONLY : 0), 0, true);
  base::set_propagation(tree.get(), propagation_private, true);
  return tree;
}

UniqueFd fresh_or_host(const MountStep& step, bool is_owned, const std::string& host_path, bool read_only) {
  if (is_owned) {
    try {
      return mount_filesystem(step, step.type);
    } catch (const base::Error& error) {
      if (error.code() != EPERM) throw;
      base::log(base::LogLevel::debug, "using the host's ", host_path, ": ", error.what());
    }
  }
  return clone_host_tree(step, host_path, read_only);
}

// devpts: group 5 ("tty") exists only where it is mapped; without it the caller's group owns the terminals.
UniqueFd mount_devpts(const MountStep& step) {
  try {
    return mount_filesystem(step, "devpts");
  } catch (const base::Error& error) {
    if (error.code() != EINVAL) throw;
    MountStep without = step;
    std::erase_if(without.options.data, [](const auto& entry) { return entry.first == "gid"; });
    if (without.options.data.size() == step.options.data.size()) throw;
    return mount_filesystem(without, "devpts");
  }
}

// Nothing on v1 and hybrid hosts: no cgroup is needed to run.
UniqueFd mount_cgroup(const MountStep& step, const NamespacePlan& namespaces) {
  const std::string host_path = "/sys/fs/cgroup";
  const UniqueFd host{::open(host_path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  if (!host || filesystem_magic(host.get()) != cgroup2_magic) {
    base::log(base::LogLevel::debug, "not mounting ", base::quoted(step.destination),
              ": the host has no pure cgroup v2");
    return {};
  }
  MountStep unified = step;
  unified.type = "cgroup2";
  return fresh_or_host(unified, namespaces.owns(CLONE_NEWCGROUP), host_path, true);
}

UniqueFd make_tree(PreparedMount& mount, const NamespacePlan& namespaces) {
  const MountStep& step = *mount.step;
  const bool in_user_namespace = namespaces.owns(CLONE_NEWUSER);
  switch (step.kind) {
    case MountKind::bind:
      return std::move(mount.tree);
    case MountKind::proc:
      return fresh_or_host(step, namespaces.owns(CLONE_NEWPID), "/proc", false);
    case MountKind::sysfs:
      return fresh_or_host(step, namespaces.owns(CLONE_NEWNET), "/sys", in_user_namespace);
    case MountKind::mqueue:
      return fresh_or_host(step, namespaces.owns(CLONE_NEWIPC), "/dev/mqueue", false);
    case MountKind::cgroup:
      return mount_cgroup(step, namespaces);
    case MountKind::devpts:
      return mount_devpts(step);
    case MountKind::device_tmpfs:
    case MountKind::filesystem:
      return mount_filesystem(step, step.type);
  }
  return {};
}

// procfs and sysfs go where their names say or nowhere: a link there would put what we later write or mask elsewhere.
UniqueFd open_fixed_target(int root, const std::string& destination) {
  const std::string name = destination.substr(1);
  try {
    return base::open_beneath(root, name, O_PATH | O_DIRECTORY);
  } catch (const base::Error& error) {
    if (error.code() == ENOENT) return base::make_directories_in_root(root, destination).fd;
    if (error.code() != ELOOP && error.code() != ENOTDIR) throw;
    throw base::make_error(ErrorKind::invalid_argument, base::quoted(destination),
                           " of the root file system is not a directory, or is behind a symbolic link");
  }
}

UniqueFd open_target(int root, const PreparedMount& mount) {
  const MountStep& step = *mount.step;
  if (step.destination == "/proc" || step.destination == "/sys") return open_fixed_target(root, step.destination);
  if (step.kind != MountKind::bind || mount.is_directory)
    return base::make_directories_in_root(root, step.destination).fd;
  return base::make_file_in_root(root, step.destination);
}

void check_target(int target, const MountStep& step) {
  if (step.kind != MountKind::bind && step.kind != MountKind::filesystem) return;
  if (filesystem_magic(target) != PROC_SUPER_MAGIC) return;
  if (std::find(std::begin(replaceable_proc_files), std::end(replaceable_proc_files), step.destination) ==
      std::end(replaceable_proc_files))
    throw base::make_error(ErrorKind::invalid_argument, "nothing may be mounted inside procfs there");
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

void mount_one(int root, PreparedMount& mount, const ContainerPlan& plan, const HostDevices& devices,
               MountedTrees& mounted) {
  const MountStep& step = *mount.step;
  UniqueFd tree = make_tree(mount, plan.namespaces);
  if (!tree) return;
  const UniqueFd target = open_target(root, mount);
  check_target(target.get(), step);
  if (step.options.copy_up) copy_up(target.get(), tree.get());
  // Before it is attached: the kernel changes a mount inside a detached tree only at the tree's root.
  if (step.kind != MountKind::bind && step.options.propagation != 0)
    base::set_propagation(tree.get(), step.options.propagation, step.options.recursive_propagation);
  base::attach(tree.get(), target.get());
  finish_mount(step, std::move(tree), devices, mounted);
}

}  // namespace

std::vector<PreparedMount> prepare_mounts(const ContainerPlan& plan) {
  std::vector<PreparedMount> mounts;
  mounts.reserve(plan.mounts.size());
  for (const MountStep& step : plan.mounts) {
    if (step.kind != MountKind::bind) {
      mounts.push_back({.step = &step});
      continue;
    }
    base::with_context([&] { mounts.push_back(prepare_bind(step, plan.keeps_host_propagation)); }, "binding ",
                       base::quoted(step.source), " on ", base::quoted(step.destination));
  }
  return mounts;
}

MountedTrees mount_all(int root, std::vector<PreparedMount>& mounts, const ContainerPlan& plan,
                       const HostDevices& devices) {
  MountedTrees mounted;
  for (PreparedMount& mount : mounts)
    base::with_context([&] { mount_one(root, mount, plan, devices, mounted); }, "mounting ",
                       mount.step->kind == MountKind::bind ? mount.step->source : mount.step->type, " on ",
                       base::quoted(mount.step->destination));
  return mounted;
}

}  // namespace runtime
