#include "engine/chroot_mode.hpp"

#include <algorithm>

#include "base/error.hpp"
#include "engine/security.hpp"
#include "runtime/seccomp_without.hpp"

namespace engine {
namespace {

using base::ErrorKind;
using base::make_error;

/// What was asked for and needs a namespace or a mount; null: nothing.
const char* impossible_option(const RunOptions& options) {
  const std::pair<bool, const char*> wanted[] = {
      {!options.volumes.empty(), "--volume"},
      {!options.mounts.empty(), "--mount"},
      {!options.tmpfs.empty(), "--tmpfs"},
      {!options.volumes_from.empty(), "--volumes-from"},
      {!options.devices.empty(), "--device"},
      {!options.secrets.empty(), "--secret"},
      {!options.publish.empty() || options.publish_all, "--publish"},
      {!options.network.empty() && options.network != "host", "--network"},
      {!options.pid.empty() && options.pid != "host", "--pid"},
      {!options.ipc.empty() && options.ipc != "host", "--ipc"},
      {!options.uts.empty() && options.uts != "host", "--uts"},
      {!options.cgroupns.empty() && options.cgroupns != "host", "--cgroupns"},
      {!options.userns.empty() && options.userns != "host", "--userns"},
      {!options.uid_maps.empty() || !options.gid_maps.empty(), "--uidmap"},
      {!options.subuid_name.empty() || !options.subgid_name.empty(), "--subuidname"},
      {!options.hostname.empty() || !options.domainname.empty(), "--hostname"},
      {!options.sysctls.empty(), "--sysctl"},
      {!options.cap_add.empty(), "--cap-add"},
      {options.privileged, "--privileged"},
      {options.read_only, "--read-only"},
      {options.rootfs, "--rootfs"},
      {options.init, "--init"},
      {!options.chroot_dirs.empty(), "--chrootdirs"},
  };
  for (const auto& [is_wanted, name] : wanted)
    if (is_wanted) return name;
  return nullptr;
}

/// Of the usual ones those with which nobody leaves a chroot. Source: capabilities(7).
bool is_harmless(const std::string& capability) {
  const std::vector<std::string> usual = default_capability_names(std::nullopt);
  return capability != "CAP_SYS_CHROOT" && std::find(usual.begin(), usual.end(), capability) != usual.end();
}

bool is_our_file(const runtime::Mount& mount) {
  return mount.type == "bind" && (mount.destination.starts_with("/etc/") || mount.destination == "/run/.containerenv");
}

}  // namespace

RunOptions fit_to_chroot(const RunOptions& options) {
  if (const char* name = impossible_option(options))
    throw make_error(ErrorKind::unsupported, name, " is not possible here: containers are only a chroot")
        .with_hint(
            "engine info --format '{{.Mode.line}}' tells why, see engine-modes(7); what was not typed comes from "
            "containers.conf: engine config list");
  RunOptions fitted = options;
  fitted.pid = fitted.ipc = fitted.uts = fitted.cgroupns = fitted.network = "host";
  fitted.image_volume = "ignore";  // what the image has there stays
  fitted.systemd = "false";
  return fitted;
}

void make_chroot_spec(runtime::Spec& spec) {
  spec.linux.namespaces.clear();
  spec.linux.uid_mappings.clear();
  spec.linux.gid_mappings.clear();
  spec.linux.sysctl.clear();
  spec.linux.masked_paths.clear();
  spec.linux.readonly_paths.clear();
  spec.hostname.clear();
  std::erase_if(spec.mounts, [](const runtime::Mount& mount) { return !is_our_file(mount); });
  spec.process.no_new_privileges = true;
  spec.process.apparmor_profile.clear();
  runtime::Capabilities& sets = spec.process.capabilities;
  for (auto* set : {&sets.bounding, &sets.effective, &sets.permitted, &sets.inheritable, &sets.ambient})
    std::erase_if(*set, [](const std::string& name) { return !is_harmless(name); });
  spec.linux.seccomp_json = runtime::without_calls(
      spec.linux.seccomp_json,
      {"ptrace", "process_vm_readv", "process_vm_writev", "pidfd_getfd", "kcmp", "process_madvise", "chroot"});
}

bool is_chroot_spec(const runtime::Spec& spec) {
  return spec.linux.namespaces.empty();
}

void check_chroot_start(Engine& engine, const runtime::Spec& spec) {
  if (!is_chroot_spec(spec) || find_namespaces(engine).is_chroot()) return;
  throw make_error(ErrorKind::unsupported,
                   "the container was made where it could only be a chroot, and here it can be more")
      .with_hint("remove it, and run it again");
}

}  // namespace engine
