// Whether the kernel, its settings and whoever started us allow namespaces.
#include "base/text.hpp"
#include "engine/host_checks.hpp"

namespace engine {
namespace {

using base::concat;

std::string no_container(const HostView& host) {
  return host.is_only_chroot() ? "containers are only a chroot, which is no isolation: engine-modes(7)"
                               : "no container can be started";
}

std::string setting(const HostView& host, const std::string& name) {
  return std::string{base::trim(host.read("/proc/sys/" + name).value_or(""))};
}

/// "user.max_user_namespaces" as sysctl calls user/max_user_namespaces.
CheckResult set_by_sysctl(std::string name, const std::string& is, const std::string& wanted, CheckStatus status,
                          std::string consequence) {
  for (char& c : name) c = c == '/' ? '.' : c;
  const std::string command = concat("sysctl -w ", name, "=", wanted);
  return {.status = status,
          .evidence = concat(name, " is ", is),
          .consequence = std::move(consequence),
          .remedy = concat("sudo ", command, "   (and a line in /etc/sysctl.d to keep it)"),
          .script = concat(command, "\necho '", name, " = ", wanted, "' >> /etc/sysctl.d/99-engine.conf"),
          .needs_root = true};
}

CheckResult max_user_namespaces(const HostView& host) {
  const std::string is = setting(host, "user/max_user_namespaces");
  if (is != "0") return {.evidence = concat("user.max_user_namespaces is ", is.empty() ? "not there" : is)};
  return set_by_sysctl("user/max_user_namespaces", is, "15000", CheckStatus::problem, no_container(host));
}

CheckResult unprivileged_userns_clone(const HostView& host) {
  if (host.uid == 0 || setting(host, "kernel/unprivileged_userns_clone") != "0")
    return {.evidence = "ordinary users may make user namespaces"};
  return set_by_sysctl("kernel/unprivileged_userns_clone", "0", "1", CheckStatus::problem, no_container(host));
}

/// A profile that only allows what the kernel would without AppArmor. Source: apparmor.d(5) "userns", Ubuntu 23.10's
/// release notes.
std::string apparmor_profile(const std::string& path) {
  return concat("abi <abi/4.0>,\ninclude <tunables/global>\n\nprofile engine ", path,
                " flags=(unconfined) {\n  userns,\n}\n");
}

CheckResult userns_apparmor(const HostView& host) {
  const std::string restricted = setting(host, "kernel/apparmor_restrict_unprivileged_userns");
  if (host.uid == 0 || restricted != "1") return {.evidence = "AppArmor does not restrict them"};
  const std::string mine{base::trim(host.read("/proc/self/attr/current").value_or(""))};
  if (mine.starts_with("engine")) return {.evidence = concat("we run under the profile ", base::quoted(mine))};
  const std::string profile = apparmor_profile(host.engine_path);
  return {
      .status = CheckStatus::problem,
      .evidence = "kernel.apparmor_restrict_unprivileged_userns is 1, and no profile of AppArmor allows it to us",
      .consequence = no_container(host),
      .remedy = concat(
          "as root, put this into /etc/apparmor.d/engine, then apparmor_parser -r /etc/apparmor.d/engine:\n", profile),
      .script =
          concat("cat > /etc/apparmor.d/engine <<'END'\n", profile, "END\napparmor_parser -r /etc/apparmor.d/engine"),
      .needs_root = true};
}

CheckResult user_namespace(const HostView& host) {
  const std::string problem = host.probes.user_namespace();
  if (problem.empty()) return {.evidence = "one was made"};
  return {.status = CheckStatus::problem,
          .evidence = problem,
          .consequence = no_container(host),
          .remedy =
              "see the findings above; inside another container, start that with --security-opt seccomp=unconfined "
              "or --privileged"};
}

CheckResult other_namespaces(const HostView& host) {
  if (setting(host, "user/max_mnt_namespaces") == "0")
    return set_by_sysctl("user/max_mnt_namespaces", "0", "15000", CheckStatus::problem, no_container(host));
  for (const char* kind : {"pid", "net", "ipc", "uts", "cgroup"}) {
    const std::string name = concat("user/max_", kind, "_namespaces");
    if (setting(host, name) == "0")
      return set_by_sysctl(name, "0", "15000", CheckStatus::warning,
                           concat("containers share the host's namespace of that kind (", kind, "): engine-modes(7)"));
  }
  return {.evidence = "no kind of them is forbidden"};
}

/// Mounts below /proc. Source: mount_namespaces(7), "mount point restrictions": what hides parts of the one proc
/// forbids a fresh one.
CheckResult masked_proc(const HostView& host) {
  const std::string text = host.read("/proc/self/mountinfo").value_or("");
  for (const std::string_view line : base::split(text, '\n')) {
    const auto fields = base::split(line, ' ');
    if (fields.size() < 5 || !fields[4].starts_with("/proc/") || fields[4].starts_with("/proc/sys/fs/binfmt_misc"))
      continue;
    return {.status = CheckStatus::note,
            .evidence = concat(fields[4], " is hidden by a mount, as in a container"),
            .consequence = "containers in here cannot have a /proc of their own unless they keep our pid namespace",
            .remedy = "outside: --security-opt unmask=ALL (podman), --security-opt systempaths=unconfined (docker)"};
  }
  return {.evidence = "nothing hides parts of /proc"};
}

CheckResult outer_seccomp(const HostView& host) {
  const std::string text = host.read("/proc/self/status").value_or("");
  const bool is_filtered = text.find("Seccomp:\t2") != std::string::npos;
  if (!is_filtered) return {.evidence = "no filter of system calls is laid on us"};
  return {.status = CheckStatus::note,
          .evidence = "whoever started us filters system calls (Seccomp: 2 in /proc/self/status)",
          .consequence = "mounts or namespaces may be refused although the kernel could make them"};
}

CheckResult kernel_version(const HostView& host) {
  const std::string text{base::trim(host.read("/proc/sys/kernel/osrelease").value_or(""))};
  const auto parts = base::split(text, '.');
  const auto major = base::parse_unsigned(parts[0]);
  const auto minor = parts.size() > 1
                         ? base::parse_unsigned(parts[1].substr(0, parts[1].find_first_not_of("0123456789")))
                         : std::nullopt;
  if (!major || !minor)
    return {.status = CheckStatus::note, .evidence = concat("unknown version ", base::quoted(text))};
  if (*major > 5 || (*major == 5 && *minor >= 11)) return {.evidence = concat("Linux ", text)};
  return {.status = CheckStatus::warning,
          .evidence = concat("Linux ", text, " is older than 5.11"),
          .consequence = "ordinary users have no native overlay: root file systems are slower",
          .remedy = "install fuse-overlayfs, or a newer kernel"};
}

}  // namespace

const std::vector<HostCheck>& namespace_checks() {
  static const std::vector<HostCheck> checks{
      {"kernel-version", "the kernel", kernel_version},
      {"userns-limit", "the limit of user namespaces", max_user_namespaces},
      {"userns-clone", "user namespaces of ordinary users", unprivileged_userns_clone},
      {"userns-apparmor", "user namespaces and AppArmor", userns_apparmor},
      {"userns", "making a user namespace", user_namespace},
      {"namespace-limits", "other namespaces", other_namespaces},
      {"proc-masked", "/proc", masked_proc},
      {"outer-seccomp", "filters of system calls", outer_seccomp},
  };
  return checks;
}

}  // namespace engine
