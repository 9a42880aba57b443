#include "runtime/mounts_cgroup.hpp"

#include <algorithm>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/mount.hpp"
#include "base/text.hpp"
#include "runtime/mounts_make.hpp"

namespace runtime {
namespace {

using base::UniqueFd;

constexpr std::size_t max_proc_bytes = 16 * 1024 * 1024;
constexpr std::size_t mountinfo_fields = 6;  // before the optional ones: id parent device root place options
constexpr std::uint64_t inert = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;

/// Whether a list such as "rw,cpu,cpuacct" has all words of another.
bool has_all_words(std::string_view list, std::string_view words) {
  const auto present = base::split(list, ',');
  const auto wanted = base::split(words, ',');
  return std::all_of(wanted.begin(), wanted.end(), [&](std::string_view word) {
    return std::find(present.begin(), present.end(), word) != present.end();
  });
}

struct CgroupMount {
  std::string root, place, type, options;
};

std::vector<CgroupMount> cgroup_mounts_of(std::string_view mountinfo) {
  std::vector<CgroupMount> mounts;
  for (const std::string_view line : base::split(mountinfo, '\n')) {
    const std::size_t dash = line.find(" - ");
    if (dash == std::string_view::npos) continue;
    const auto front = base::split(line.substr(0, dash), ' ');
    const auto back = base::split(line.substr(dash + 3), ' ');  // type source options
    if (front.size() < mountinfo_fields || back.size() < 3 || !back[0].starts_with("cgroup")) continue;
    mounts.push_back({std::string{front[3]}, std::string{front[4]}, std::string{back[0]}, std::string{back[2]}});
  }
  return mounts;
}

bool is_of(const CgroupMount& mount, std::string_view controllers) {
  if (controllers.empty()) return mount.type == "cgroup2";
  return mount.type == "cgroup" && has_all_words(mount.options, controllers);
}

UniqueFd mount_fresh(const Hierarchy& hierarchy, std::uint64_t attributes) {
  base::FilesystemContext context{hierarchy.controllers.empty() ? "cgroup2" : "cgroup"};
  context.set("source", "cgroup");
  for (const std::string_view word : base::split(hierarchy.controllers, ',')) {
    if (word.starts_with("name=")) {
      context.set_flag("none");
      context.set("name", std::string{word.substr(5)});
    } else if (!word.empty()) {
      context.set_flag(std::string{word});
    }
  }
  return context.create(attributes);
}

/// Our cgroup below the host's mount; nothing when that mount does not show it.
std::optional<std::string> own_place(const Hierarchy& hierarchy) {
  const std::string root = hierarchy.root == "/" ? "" : hierarchy.root;
  if (!hierarchy.own.starts_with(root)) return std::nullopt;
  return hierarchy.place + hierarchy.own.substr(root.size());
}

LooseMount mount_hierarchy(const Hierarchy& hierarchy, std::uint64_t attributes, const NamespacePlan& namespaces) {
  if (namespaces.owns(CLONE_NEWCGROUP)) {
    try {
      return {.tree = mount_fresh(hierarchy, attributes)};
    } catch (const base::Error& error) {
      base::log(base::LogLevel::debug, "leaving out cgroup ", hierarchy.name, ": ", error.what());
      return {};
    }
  }
  const auto place = own_place(hierarchy);
  if (!place) return {};
  return {.tree = base::clone_tree(AT_FDCWD, *place, false), .set = attributes};
}

void link_controllers(int top, const Hierarchy& hierarchy) {
  const auto words = base::split(hierarchy.controllers, ',');
  if (words.size() < 2) return;
  for (const std::string_view word : words)
    if (::symlinkat(hierarchy.name.c_str(), top, std::string{word}.c_str()) != 0 && errno != EEXIST)
      throw base::os_error("linking cgroup controller ", base::quoted(word));
}

}  // namespace

std::vector<Hierarchy> parse_hierarchies(std::string_view mountinfo, std::string_view proc_self_cgroup) {
  const std::vector<CgroupMount> mounts = cgroup_mounts_of(mountinfo);
  std::vector<Hierarchy> hierarchies;
  for (const std::string_view line : base::split(proc_self_cgroup, '\n')) {
    const auto number = base::split_once(line, ':');
    const auto rest = number ? base::split_once(number->second, ':') : std::nullopt;
    if (!rest) continue;
    const auto mount =
        std::find_if(mounts.begin(), mounts.end(), [&](const CgroupMount& entry) { return is_of(entry, rest->first); });
    if (mount == mounts.end()) continue;
    hierarchies.push_back({.name = mount->place.substr(mount->place.rfind('/') + 1),
                           .place = mount->place,
                           .root = mount->root,
                           .own = std::string{rest->second},
                           .controllers = std::string{rest->first}});
  }
  return hierarchies;
}

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
  for (const Hierarchy& hierarchy : parse_hierarchies(base::read_file(AT_FDCWD, "/proc/self/mountinfo", max_proc_bytes),
                                                      base::read_file(AT_FDCWD, "/proc/self/cgroup", max_proc_bytes))) {
    const LooseMount mount = mount_hierarchy(hierarchy, attributes, namespaces);
    if (!mount.tree) continue;
    if (::mkdirat(top, hierarchy.name.c_str(), 0755) != 0 && errno != EEXIST)
      throw base::os_error("making a place for cgroup ", base::quoted(hierarchy.name));
    const bool early = base::has_mount_setattr();
    if (early) apply_attributes(mount);
    base::attach_at(mount.tree.get(), top, hierarchy.name);
    if (!early) apply_attributes(mount);
    link_controllers(top, hierarchy);
  }
  if (read_only) base::set_attributes(top, MOUNT_ATTR_RDONLY, 0, false);
}

}  // namespace runtime
