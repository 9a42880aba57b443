#include "runtime/plan.hpp"

#include <algorithm>
#include <linux/mount.h>
#include <sched.h>

#include "base/error.hpp"

namespace runtime {
namespace {

using base::ErrorKind;
using base::make_error;

constexpr std::uint64_t propagation_private = 1u << 18;     // MS_PRIVATE
constexpr std::uint64_t propagation_unbindable = 1u << 17;  // MS_UNBINDABLE

struct NamespaceKind {
  std::string_view type;
  std::string_view file;
  unsigned flag;
};

// In the order in which they are joined: the user namespace first, since it gives the rights to join the others.
constexpr NamespaceKind namespace_kinds[] = {
    {"user", "user", CLONE_NEWUSER},  {"ipc", "ipc", CLONE_NEWIPC},  {"uts", "uts", CLONE_NEWUTS},
    {"network", "net", CLONE_NEWNET}, {"pid", "pid", CLONE_NEWPID},  {"cgroup", "cgroup", CLONE_NEWCGROUP},
    {"time", "time", CLONE_NEWTIME},  {"mount", "mnt", CLONE_NEWNS},
};

MountKind kind_of(const Mount& mount, const MountOptions& options) {
  if (options.remount) return MountKind::remount;
  if (options.bind || mount.type == "bind") return MountKind::bind;
  if (mount.type == "proc") return MountKind::proc;
  if (mount.type == "sysfs") return MountKind::sysfs;
  if (mount.type == "cgroup" || mount.type == "cgroup2") return MountKind::cgroup;
  if (mount.type == "mqueue") return MountKind::mqueue;
  if (mount.type == "devpts") return MountKind::devpts;
  if (mount.type == "tmpfs" && clean_path(mount.destination) == "/dev") return MountKind::device_tmpfs;
  return MountKind::filesystem;
}

// What a file system that we make ourselves has no mounts below for, "rro" and its like mean as "ro" does.
void merge_recursive_attributes(MountOptions& options) {
  options.set = (options.set & ~options.recursive_clear) | options.recursive_set;
  options.clear = (options.clear & ~options.recursive_set) | options.recursive_clear;
  options.recursive_set = options.recursive_clear = 0;
}

void plan_id_map(MountStep& step, const Mount& mount) {
  if (mount.uid_mappings.empty() != mount.gid_mappings.empty())
    throw make_error(ErrorKind::invalid_argument, "an idmapped mount needs both uidMappings and gidMappings");
  step.uid_mappings = mount.uid_mappings;
  step.gid_mappings = mount.gid_mappings;
  if (!mount.uid_mappings.empty() && !step.is_idmapped()) step.options.id_map = IdMap::single;
  if (step.is_idmapped() && step.kind != MountKind::bind)
    throw make_error(ErrorKind::unsupported, "only bind mounts can be idmapped");
}

// "idmap" without mappings means those of the container's own user namespace.
void complete_id_map(MountStep& step, const Spec& spec, const NamespacePlan& namespaces) {
  if (!step.is_idmapped() || !step.uid_mappings.empty()) return;
  if (!namespaces.owns(CLONE_NEWUSER))
    throw make_error(ErrorKind::invalid_argument,
                     "an idmapped mount without mappings needs a container with a user namespace");
  step.uid_mappings = spec.linux.uid_mappings;
  step.gid_mappings = spec.linux.gid_mappings;
}

bool has_mount_on_dev(const std::vector<MountStep>& mounts) {
  return std::any_of(mounts.begin(), mounts.end(), [](const MountStep& step) {
    return step.destination == "/dev" && step.kind != MountKind::remount;
  });
}

MountStep default_dev() {
  return plan_mount({"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}}, "/");
}

bool wants_host_propagation(std::uint64_t propagation) {
  return propagation != 0 && propagation != propagation_private && propagation != propagation_unbindable;
}

}  // namespace

bool NamespacePlan::joins(unsigned flag) const {
  return std::any_of(joined.begin(), joined.end(), [&](const NamespaceToJoin& step) { return step.flag == flag; });
}

unsigned namespace_flag(std::string_view type) {
  for (const NamespaceKind& kind : namespace_kinds)
    if (kind.type == type) return kind.flag;
  return 0;
}

std::string_view namespace_file(unsigned flag) {
  for (const NamespaceKind& kind : namespace_kinds)
    if (kind.flag == flag) return kind.file;
  return {};
}

std::string clean_path(std::string_view path) {
  std::string clean;
  for (const std::string_view component : base::split(path, '/')) {
    if (component.empty() || component == ".") continue;
    clean.append(1, '/').append(component);
  }
  return clean.empty() ? "/" : clean;
}

NamespacePlan plan_namespaces(const std::vector<Namespace>& namespaces) {
  NamespacePlan plan;
  for (const NamespaceKind& kind : namespace_kinds) {
    for (const Namespace& entry : namespaces) {
      if (entry.type != kind.type) continue;
      if (entry.path.empty())
        plan.created |= kind.flag;
      else
        plan.joined.push_back({kind.flag, entry.type, entry.path});
    }
  }
  if (!plan.owns(CLONE_NEWNS))
    throw make_error(ErrorKind::unsupported, "config.json: linux.namespaces has no mount namespace");
  return plan;
}

MountStep plan_mount(const Mount& mount, const std::string& bundle) {
  MountStep step{.destination = clean_path(mount.destination),
                 .type = mount.type,
                 .source = mount.source,
                 .options = parse_mount_options(mount.options)};
  step.kind = kind_of(mount, step.options);
  plan_id_map(step, mount);
  if (step.kind == MountKind::remount) return step;
  if (step.destination == "/")
    throw make_error(ErrorKind::invalid_argument, "a mount on \"/\" would hide the root file system");
  if (step.options.copy_up && step.type != "tmpfs")
    throw make_error(ErrorKind::invalid_argument, "mount option \"tmpcopyup\" is for tmpfs only");
  if (step.kind == MountKind::bind) {
    if (step.source.empty()) throw make_error(ErrorKind::invalid_argument, "a bind mount needs a source");
    if (step.source.front() != '/') step.source = base::concat(bundle, '/', step.source);
  } else if (step.type.empty()) {
    throw make_error(ErrorKind::invalid_argument, "a mount needs a type");
  } else {
    merge_recursive_attributes(step.options);
  }
  // /proc must be procfs and nothing else: labels and limits are written there (CVE-2019-16884).
  if (step.destination == "/proc" && step.kind != MountKind::proc && step.kind != MountKind::bind)
    throw make_error(ErrorKind::invalid_argument, "only procfs may be mounted on \"/proc\"");
  return step;
}

ContainerPlan plan_container(const Spec& spec, const std::string& bundle) {
  ContainerPlan plan;
  plan.namespaces = plan_namespaces(spec.linux.namespaces);
  for (const Mount& mount : spec.mounts) {
    base::with_context(
        [&] {
          plan.mounts.push_back(plan_mount(mount, bundle));
          complete_id_map(plan.mounts.back(), spec, plan.namespaces);
        },
        "mount on ", base::quoted(mount.destination));
    plan.keeps_host_propagation |= wants_host_propagation(plan.mounts.back().options.propagation);
  }
  if (!has_mount_on_dev(plan.mounts)) plan.mounts.insert(plan.mounts.begin(), default_dev());
  if (const auto propagation = parse_propagation(spec.linux.rootfs_propagation)) {
    plan.root_propagation = propagation->first;
    plan.recursive_root_propagation = propagation->second;
    plan.keeps_host_propagation |= wants_host_propagation(plan.root_propagation);
  }
  // Others of its mounts may be slaves of the host's; the root is so only where it was asked for.
  if (plan.keeps_host_propagation && plan.root_propagation == 0) plan.root_propagation = propagation_private;
  plan.mount_label = {.option = spec.linux.mount_label_option, .text = spec.linux.mount_label};
  return plan;
}

}  // namespace runtime
