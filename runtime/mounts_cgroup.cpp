#include "runtime/mounts_cgroup.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "base/mount.hpp"
#include "runtime/cgroup_hierarchies.hpp"
#include "runtime/mounts_make.hpp"

namespace runtime {
namespace {

using base::UniqueFd;

constexpr std::uint64_t inert = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

UniqueFd mount_fresh(const Hierarchy& hierarchy, std::uint64_t attributes) {
  base::FilesystemContext context{hierarchy.controllers.empty() ? "cgroup2" : "cgroup"};
  context.set("source", "cgroup");
  for (const std::string& word : hierarchy.controllers) {
    if (word.starts_with("name="))
      context.set_flag("none").set("name", word.substr(5));
    else
      context.set_flag(word);
  }
  return context.create(attributes);
}

LooseMount mount_hierarchy(const Hierarchy& hierarchy, std::uint64_t attributes, const NamespacePlan& namespaces) {
  if (!namespaces.owns(CLONE_NEWCGROUP))
    return {.tree = base::clone_tree(AT_FDCWD, hierarchy.mount_point + hierarchy.own_path, false), .set = attributes};
  try {
    return {.tree = mount_fresh(hierarchy, attributes)};
  } catch (const base::Error& error) {
    base::log(base::LogLevel::debug, "leaving out ", hierarchy.mount_point, ": ", error.what());
    return {};
  }
}

void add_hierarchy(int top, const std::string& name, const LooseMount& mount) {
  if (::mkdirat(top, name.c_str(), 0755) != 0 && errno != EEXIST)
    throw base::os_error("making a place for cgroup ", base::quoted(name));
  const bool early = base::has_mount_setattr();
  if (early) apply_attributes(mount);
  base::attach_at(mount.tree.get(), top, name);
  if (!early) apply_attributes(mount);
}

// "cpu" and "cpuacct" beside "cpu,cpuacct", as hosts have them.
void link_controllers(int top, const std::string& name, const Hierarchy& hierarchy) {
  if (hierarchy.controllers.size() < 2) return;
  for (const std::string& word : hierarchy.controllers)
    if (word != name && ::symlinkat(name.c_str(), top, word.c_str()) != 0 && errno != EEXIST)
      throw base::os_error("linking cgroup controller ", base::quoted(word));
}

std::string last_component(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

}  // namespace

bool host_has_only_cgroup2() {
  const UniqueFd host{::open("/sys/fs/cgroup", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  return host && filesystem_magic(host.get()) == CGROUP2_SUPER_MAGIC;
}

UniqueFd make_cgroup1_top() {
  return base::FilesystemContext{"tmpfs"}.set("source", "cgroup").set("mode", "0755").create(inert);
}

void populate_cgroup1(int top, const MountStep& step, const NamespacePlan& namespaces) {
  const bool read_only = (step.options.set & MOUNT_ATTR_RDONLY) != 0 || namespaces.owns(CLONE_NEWUSER);
  const std::uint64_t attributes = inert | (read_only ? std::uint64_t{MOUNT_ATTR_RDONLY} : 0);
  Hierarchies found = find_hierarchies();
  if (found.unified) found.legacy.push_back(*found.unified);
  for (const Hierarchy& hierarchy : found.legacy) {
    const LooseMount mount = mount_hierarchy(hierarchy, attributes, namespaces);
    if (!mount.tree) continue;
    const std::string name = last_component(hierarchy.mount_point);
    add_hierarchy(top, name, mount);
    link_controllers(top, name, hierarchy);
  }
  if (read_only) base::set_attributes(top, MOUNT_ATTR_RDONLY, 0, false);
}

}  // namespace runtime
