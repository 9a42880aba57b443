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
    {"user", "user", CLONE_NEWUSER},  {"ipc", "ipc", CLONE_NEWIPC}, {"uts", "uts", CLONE_NEWUTS},
    {"network", "net", CLONE_NEWNET}, {"pid", "pid", CLONE_NEWPID}, {"cgroup", "cgroup", CLONE_NEWCGROUP},
    {"mount", "mnt", CLONE_NEWNS},
};

MountKind kind_of(const Mount& mount, const MountOptions& options) {
  if (options.bind || mount.type == "bind") return MountKind::bind;
  if (mount.type == "proc") return MountKind::proc;
  if (mount.type == "sysfs") return MountKind::sysfs;
  if (mount.type == "cgroup" || mount.type == "cgroup2") return MountKind::cgroup;
  if (mount.type == "mqueue") return MountKind::mqueue;
  if (mount.type == "devpts") return MountKind::devpts;
  if (mount.type == "tmpfs" && clean_path(mount.destination) == "/dev") return MountKind::device_tmpfs;
  return MountKind::filesystem;
}

bool has_mount_on_dev(const std::vector<MountStep>& mounts) {
  return std::any_of(mounts.begin(), mounts.end(), [](const MountStep& step) { return step.destination == "/dev"; });
}

MountStep default_dev() {
  return plan_mount({"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}}, "/");
}

bool wants_host_propagation(std::uint64_t propagation) {
  return propagation != 0 && propagation != propagation_private && propagation != propagation_unbindable;
}

void check_supported(const Spec& spec) {
  const Hooks& hooks = spec.hooks;
  const bool has_hooks = !hooks.prestart.empty() || !hooks.create_runtime.empty() || !hooks.create_container.empty() ||
                         !hooks.start_container.empty() || !hooks.poststart.empty() || !hooks.poststop.empty();
  if (has_hooks) throw make_error(ErrorKind::unsupported, "config.json: hooks are not supported");
  if (!spec.has_process) throw make_error(ErrorKind::unsupported, "config.json: process is missing");
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
  if (plan.joins(CLONE_NEWNS))
    throw make_error(ErrorKind::unsupported, "joining a mount namespace by its path is not supported");
  if (!plan.creates(CLONE_NEWNS))
    throw make_error(ErrorKind::unsupported, "config.json: linux.namespaces has no mount namespace");
  return plan;
}

MountStep plan_mount(const Mount& mount, const std::string& bundle) {
  MountStep step{.destination = clean_path(mount.destination),
                 .type = mount.type,
                 .source = mount.source,
                 .options = parse_mount_options(mount.options)};
  step.kind = kind_of(mount, step.options);
  if (step.destination == "/")
    throw make_error(ErrorKind::invalid_argument, "a mount on \"/\" would hide the root file system");
  if (step.options.remount) throw make_error(ErrorKind::unsupported, "mount option \"remount\" is not supported");
  if (step.options.copy_up && step.type != "tmpfs")
    throw make_error(ErrorKind::invalid_argument, "mount option \"tmpcopyup\" is for tmpfs only");
  if (step.kind == MountKind::bind) {
    if (step.source.empty()) throw make_error(ErrorKind::invalid_argument, "a bind mount needs a source");
    if (step.source.front() != '/') step.source = base::concat(bundle, '/', step.source);
  } else if (step.type.empty()) {
    throw make_error(ErrorKind::invalid_argument, "a mount needs a type");
  }
  // /proc must be procfs and nothing else: labels and limits are written there (CVE-2019-16884).
  if (step.destination == "/proc" && step.kind != MountKind::proc && step.kind != MountKind::bind)
    throw make_error(ErrorKind::invalid_argument, "only procfs may be mounted on \"/proc\"");
  return step;
}

ContainerPlan plan_container(const Spec& spec, const std::string& bundle) {
  check_supported(spec);
  ContainerPlan plan;
  plan.namespaces = plan_namespaces(spec.linux.namespaces);
  for (const Mount& mount : spec.mounts) {
    base::with_context([&] { plan.mounts.push_back(plan_mount(mount, bundle)); }, "mount on ",
                       base::quoted(mount.destination));
    plan.keeps_host_propagation |= wants_host_propagation(plan.mounts.back().options.propagation);
  }
  if (!has_mount_on_dev(plan.mounts)) plan.mounts.insert(plan.mounts.begin(), default_dev());
  if (const auto propagation = parse_propagation(spec.linux.rootfs_propagation)) {
    plan.root_propagation = propagation->first;
    plan.recursive_root_propagation = propagation->second;
    plan.keeps_host_propagation |= wants_host_propagation(plan.root_propagation);
  }
  return plan;
}

}  // namespace runtime
