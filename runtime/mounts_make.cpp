#include "runtime/mounts_make.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/vfs.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/mount.hpp"
#include "base/path_in_root.hpp"
#include "runtime/mounts_cgroup.hpp"

namespace runtime {
namespace {

using base::FilesystemContext;
using base::UniqueFd;

constexpr std::uint64_t propagation_private = 1u << 18;  // MS_PRIVATE
constexpr std::uint64_t access_time_attributes = MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME;

bool is_kernel_tree(int fd) {
  const long magic = filesystem_magic(fd);
  return magic == SYSFS_MAGIC || magic == CGROUP2_SUPER_MAGIC || magic == CGROUP_SUPER_MAGIC;
}

void set_advisory_flag(FilesystemContext& context, const std::string& name) {
  try {
    context.set_flag(name);
  } catch (const base::Error& error) {
    if (error.code() != EINVAL) throw;
    base::log(base::LogLevel::debug, "mount option ", base::quoted(name), " means nothing here");
  }
}

void set_data(FilesystemContext& context, const MountStep& step) {
  if (!step.source.empty()) context.set("source", step.source);
  for (const auto& [key, value] : step.options.data) {
    if (value)
      context.set(key, *value);
    else
      context.set_flag(key);
  }
  for (const std::string& name : step.options.advisory) set_advisory_flag(context, name);
}

// The kernel's own trees have labels of their own. Source: config-linux.md "Mount Label".
bool takes_label(MountKind kind) {
  return kind == MountKind::device_tmpfs || kind == MountKind::devpts || kind == MountKind::mqueue ||
         kind == MountKind::filesystem;
}

UniqueFd mount_fresh(const MountStep& step, const std::string& type, const MountLabel& label) {
  FilesystemContext context{type};
  set_data(context, step);
  if (!label.text.empty() && takes_label(step.kind)) context.set(label.option.c_str(), label.text);
  return context.create(step.options.set);
}

LooseMount loose_fresh(const MountStep& step, UniqueFd tree) {
  return {.tree = std::move(tree),
          .propagation = step.options.propagation,
          .recursive_propagation = step.options.recursive_propagation};
}

LooseMount fresh_or_host(const MountStep& step, const MountLabel& label, const std::string& host_path, bool read_only) {
  try {
    return loose_fresh(step, mount_fresh(step, step.type, label));
  } catch (const base::Error& error) {
    if (error.code() != EPERM) throw;
    base::log(base::LogLevel::debug, "using the host's ", host_path, ": ", error.what());
  }
  return loose_host_tree(step, host_path, read_only);
}

// devpts: group 5 ("tty") exists only where it is mapped; without it the caller's group owns the terminals.
UniqueFd mount_devpts(const MountStep& step, const MountLabel& label) {
  try {
    return mount_fresh(step, "devpts", label);
  } catch (const base::Error& error) {
    if (error.code() != EINVAL) throw;
    MountStep without = step;
    std::erase_if(without.options.data, [](const auto& entry) { return entry.first == "gid"; });
    if (without.options.data.size() == step.options.data.size()) throw;
    return mount_fresh(without, "devpts", label);
  }
}

LooseMount make_cgroup(const MountStep& step, bool in_user_namespace) {
  if (!host_has_only_cgroup2()) return loose_fresh(step, make_cgroup1_top());
  MountStep unified = step;
  unified.type = "cgroup2";
  return fresh_or_host(unified, {}, "/sys/fs/cgroup", in_user_namespace);
}

void change_filesystem(int mount, const MountOptions& options) {
  FilesystemContext context = FilesystemContext::of_mount(mount);
  if ((options.set & MOUNT_ATTR_RDONLY) != 0) context.set_flag("ro");
  if ((options.clear & MOUNT_ATTR_RDONLY) != 0) context.set_flag("rw");
  for (const auto& [key, value] : options.data) {
    if (value)
      context.set(key, *value);
    else
      context.set_flag(key);
  }
  context.reconfigure();
}

}  // namespace

long filesystem_magic(int fd) {
  struct statfs status {};
  if (::fstatfs(fd, &status) != 0) throw base::os_error("asking for the file system type");
  return static_cast<long>(status.f_type);
}

void add_attributes(int tree, std::uint64_t set, std::uint64_t clear, bool recursive) {
  if (set == 0 && clear == 0) return;
  try {
    base::set_attributes(tree, set, clear, recursive);
  } catch (const base::Error& error) {
    const std::uint64_t additions = set & ~access_time_attributes;
    if ((clear == 0 && additions == set) || error.code() != EPERM) throw;
    base::log(base::LogLevel::debug, "mount flags of the host stay: ", error.what());
    if (additions != 0) base::set_attributes(tree, additions, 0, recursive);
  }
}

void apply_attributes(const LooseMount& mount) {
  add_attributes(mount.tree.get(), mount.set, mount.clear, false);
  add_attributes(mount.tree.get(), mount.recursive_set, mount.recursive_clear, true);
  if (mount.propagation != 0) base::set_propagation(mount.tree.get(), mount.propagation, mount.recursive_propagation);
}

UniqueFd clone_bind_source(const MountStep& step) {
  const bool recursive = step.options.recursive_bind;
  const bool is_early = base::has_open_tree();
  UniqueFd source;
  if (!step.options.subpath.empty()) {
    const UniqueFd folder{::open(step.source.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
    if (!folder) throw base::os_error("opening ", base::quoted(step.source));
    source = base::open_in_root(folder.get(), step.options.subpath, O_PATH);
    if (!is_early) return source;
  } else if (step.options.source_nofollow || !is_early) {
    const int follow = step.options.source_nofollow ? O_NOFOLLOW : 0;
    source = UniqueFd{::open(step.source.c_str(), O_PATH | follow | O_CLOEXEC)};
    if (!source) throw base::os_error("opening ", base::quoted(step.source));
    if (!is_early) return source;
  }
  const int at = source ? source.get() : AT_FDCWD;
  const std::string path = source ? "" : step.source;
  try {
    return base::clone_tree(at, path, recursive);
  } catch (const base::Error& error) {
    // In a user namespace the kernel refuses to uncover what is mounted below (EINVAL); with it is what remains.
    if (error.code() != EINVAL || recursive) throw;
    base::log(base::LogLevel::debug, "binding ", base::quoted(step.source), " with all mounts below it");
    return base::clone_tree(at, path, true);
  }
}

LooseMount loose_bind(const MountStep& step, UniqueFd tree, bool private_by_default) {
  const MountOptions& options = step.options;
  LooseMount mount{.tree = std::move(tree),
                   .set = options.set,
                   .clear = options.clear,
                   .recursive_set = options.recursive_set,
                   .recursive_clear = options.recursive_clear,
                   .propagation = options.propagation,
                   .recursive_propagation = options.recursive_propagation};
  // The kernel's own trees may not be half writable: what is mounted below sysfs belongs to the host (CVE-2023-25809).
  if ((options.set & MOUNT_ATTR_RDONLY) != 0 && is_kernel_tree(mount.tree.get())) mount.recursive_set |= options.set;
  if (mount.propagation == 0 && private_by_default) {
    mount.propagation = propagation_private;
    mount.recursive_propagation = true;
  }
  return mount;
}

LooseMount loose_host_tree(const MountStep& step, const std::string& path, bool read_only) {
  // Read-only in a user namespace of ours, where parts of sysfs and of cgroups may belong to the user.
  return {.tree = base::clone_tree(AT_FDCWD, path, true),
          .recursive_set = step.options.set | (read_only ? std::uint64_t{MOUNT_ATTR_RDONLY} : 0),
          .propagation = propagation_private,
          .recursive_propagation = true};
}

LooseMount make_filesystem(const MountStep& step, const ContainerPlan& plan) {
  const bool in_user_namespace = plan.namespaces.owns(CLONE_NEWUSER);
  switch (step.kind) {
    case MountKind::proc:
      return fresh_or_host(step, plan.mount_label, "/proc", false);
    case MountKind::sysfs:
      return fresh_or_host(step, plan.mount_label, "/sys", in_user_namespace);
    case MountKind::mqueue:
      return fresh_or_host(step, plan.mount_label, "/dev/mqueue", false);
    case MountKind::cgroup:
      return make_cgroup(step, in_user_namespace);
    case MountKind::devpts:
      return loose_fresh(step, mount_devpts(step, plan.mount_label));
    default:
      return loose_fresh(step, mount_fresh(step, step.type, plan.mount_label));
  }
}

void change_mount(int mount, const MountOptions& options) {
  const bool changes_file_system = !options.bind && (!options.data.empty() || (options.set & MOUNT_ATTR_RDONLY) != 0 ||
                                                     (options.clear & MOUNT_ATTR_RDONLY) != 0);
  // The kernel forbids it for file systems of another user namespace; then the mount alone is what can be changed.
  try {
    if (changes_file_system) change_filesystem(mount, options);
  } catch (const base::Error& error) {
    if (!options.data.empty() || error.code() != EPERM) throw;
    base::log(base::LogLevel::debug, "changing only the mount: ", error.what());
  }
  add_attributes(mount, options.set, options.clear, false);
  add_attributes(mount, options.recursive_set, options.recursive_clear, true);
  if (options.propagation != 0) base::set_propagation(mount, options.propagation, options.recursive_propagation);
}

}  // namespace runtime
