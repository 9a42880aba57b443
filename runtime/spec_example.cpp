#include <unistd.h>

#include "runtime/spec.hpp"

namespace runtime {
namespace {

std::vector<Mount> example_mounts(bool rootless) {
  std::vector<Mount> mounts = {
      {"/proc", "proc", "proc", {}},
      {"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}},
      {"/dev/pts", "devpts", "devpts", {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
      {"/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}},
      {"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}},
      {"/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}},
      {"/sys/fs/cgroup", "cgroup", "cgroup", {"nosuid", "noexec", "nodev", "relatime", "ro"}},
  };
  if (!rootless) return mounts;
  // A single id is mapped, so there is no group 5; and sysfs of the host's network can only be bound.
  mounts[2].options.pop_back();
  mounts[5] = {"/sys", "none", "/sys", {"rbind", "nosuid", "noexec", "nodev", "ro"}};
  mounts.pop_back();
  return mounts;
}

}  // namespace

Spec example_spec(bool rootless) {
  const std::vector<std::string> capabilities = {"CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE"};
  Spec spec;
  spec.process.terminal = true;
  spec.process.args = {"sh"};
  spec.process.env = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"};
  spec.process.capabilities = {
      .bounding = capabilities, .effective = capabilities, .inheritable = {}, .permitted = capabilities, .ambient = {}};
  spec.process.rlimits = {{"RLIMIT_NOFILE", 1024, 1024}};
  spec.process.no_new_privileges = true;
  spec.root_readonly = true;
  spec.hostname = "engine";
  spec.mounts = example_mounts(rootless);
  spec.linux.namespaces = {{"pid", ""}, {"ipc", ""}, {"uts", ""}, {"mount", ""}, {"cgroup", ""}};
  if (rootless) {
    spec.linux.namespaces.push_back({"user", ""});
    spec.linux.uid_mappings = {{0, ::geteuid(), 1}};
    spec.linux.gid_mappings = {{0, ::getegid(), 1}};
  } else {
    spec.linux.namespaces.push_back({"network", ""});
  }
  spec.linux.masked_paths = {"/proc/acpi",          "/proc/asound",     "/proc/kcore",       "/proc/keys",
                             "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug",
                             "/sys/firmware",       "/proc/scsi"};
  spec.linux.readonly_paths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"};
  return spec;
}

}  // namespace runtime
