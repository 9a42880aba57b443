// The user's session: its run folder, service manager, cgroups and limits.
#include <algorithm>
#include <sys/stat.h>

#include "base/text.hpp"
#include "engine/host_checks.hpp"

namespace engine {
namespace {

using base::concat;

constexpr std::int64_t earliest_plausible = 1'735'689'600;  // 2025-01-01, before the first release

bool has_systemd(const HostView& host) {
  return host.look("/run/systemd/system").has_value();
}

CheckResult runtime_dir(const HostView& host) {
  const std::string named = host.environment("XDG_RUNTIME_DIR").value_or("");
  const std::string usual = concat("/run/user/", host.uid);
  if (host.uid == 0) return {.evidence = "root uses /run"};
  if (named.empty())
    return {.status = host.look(usual) ? CheckStatus::note : CheckStatus::warning,
            .evidence = "XDG_RUNTIME_DIR is not set, as with su, sudo -u and cron",
            .consequence = concat("the state of containers is kept in ", host.run_dir),
            .remedy = concat("machinectl shell ", host.user, "@   or   export XDG_RUNTIME_DIR=", usual)};
  const auto file = host.look(named);
  if (!file)
    return {.status = CheckStatus::warning,
            .evidence = concat("XDG_RUNTIME_DIR is ", named, ", which is not there"),
            .consequence = concat("the state of containers is kept in ", host.run_dir),
            .remedy = concat("loginctl enable-linger ", host.user)};
  if (file->uid != host.uid || (file->mode & 0077) != 0)
    return {.status = CheckStatus::warning,
            .evidence = concat(named, file->uid != host.uid ? " belongs to somebody else" : " is open to others"),
            .consequence = concat("it is not used; the state of containers is kept in ", host.run_dir),
            .remedy = file->uid != host.uid ? "unset XDG_RUNTIME_DIR" : concat("chmod 700 ", named),
            .script = file->uid != host.uid ? "" : concat("chmod 700 ", named)};
  return {.evidence = named};
}

CheckResult linger(const HostView& host) {
  if (host.uid == 0 || !has_systemd(host)) return {.evidence = "nothing ends containers at logout"};
  if (host.look("/var/lib/systemd/linger/" + host.user)) return {.evidence = "the user's services go on after logout"};
  const std::string command = concat("loginctl enable-linger ", host.user);
  return {.status = CheckStatus::note,
          .evidence = concat("no file /var/lib/systemd/linger/", host.user),
          .consequence = "containers end when the user logs out, and none start at boot",
          .remedy = command,
          .script = command};
}

CheckResult user_bus(const HostView& host) {
  if (!has_systemd(host)) return {.status = CheckStatus::note, .evidence = "systemd does not run here"};
  const std::string path = host.uid == 0 ? "/run/dbus/system_bus_socket" : concat("/run/user/", host.uid, "/bus");
  if (host.look(path)) return {.evidence = path};
  return {.status = CheckStatus::warning,
          .evidence = concat("there is no ", path),
          .consequence = "limits cannot be set through systemd, and units of the user cannot be started",
          .remedy = host.uid == 0 ? "sudo apt-get install dbus"
                                  : concat("log in as ", host.user,
                                           " (ssh, machinectl shell) rather than by su; "
                                           "sudo apt-get install dbus-user-session")};
}

CheckResult cgroup_mode(const HostView& host) {
  const std::string mode = host.cgroup_mode();
  if (mode == "v2") return {.evidence = "version 2"};
  const bool is_root = host.uid == 0 && mode != "none";
  return {.status = is_root ? CheckStatus::note : CheckStatus::warning,
          .evidence = mode == "none" ? "there are none" : concat(mode, ", with controllers in version 1"),
          .consequence = is_root ? "version 1 is used" : "containers run, but limits as --memory cannot be set",
          .remedy = "boot with systemd.unified_cgroup_hierarchy=1 on the kernel's command line"};
}

CheckResult delegated_controllers(const HostView& host) {
  if (host.cgroup_mode() != "v2") return {.evidence = "needs version 2"};
  const std::vector<std::string> have = host.delegated_controllers();
  std::vector<std::string> missing;
  for (const char* wanted : {"cpu", "cpuset", "io", "memory", "pids"})
    if (std::find(have.begin(), have.end(), wanted) == have.end()) missing.emplace_back(wanted);
  if (missing.empty()) return {.evidence = base::join(have, " ")};
  const std::string command =
      "mkdir -p /etc/systemd/system/user@.service.d\n"
      "printf '[Service]\\nDelegate=cpu cpuset io memory pids\\n' > /etc/systemd/system/user@.service.d/delegate.conf\n"
      "systemctl daemon-reload";
  return {
      .status = CheckStatus::note,
      .evidence = concat("not given to us: ", base::join(missing, " ")),
      .consequence = "limits of these kinds are warned of and not set",
      .remedy =
          "Delegate=cpu cpuset io memory pids in /etc/systemd/system/user@.service.d/delegate.conf, and log in again",
      .script = command,
      .needs_root = true};
}

/// As "Max open files" of /proc/self/limits says. Source: proc(5).
CheckResult open_files(const HostView& host) {
  const std::string text = host.read("/proc/self/limits").value_or("");
  constexpr std::string_view label = "Max open files";
  for (const std::string_view line : base::split(text, '\n')) {
    if (!line.starts_with(label)) continue;
    const std::string_view rest = base::trim(line.substr(label.size()));
    const auto soft = base::parse_unsigned(rest.substr(0, rest.find(' ')));
    if (!soft || *soft >= 1024) break;
    return {.status = CheckStatus::warning,
            .evidence = concat("only ", *soft, " files may be open"),
            .consequence = "images of many layers, and programs in containers, may fail",
            .remedy = "ulimit -n 1024, or LimitNOFILE= in the unit",
            .script = ""};
  }
  return {.evidence = "enough files may be open"};
}

CheckResult clock(const HostView& host) {
  if (host.now >= earliest_plausible) return {.evidence = "the date is plausible"};
  return {.status = CheckStatus::problem,
          .evidence = "the clock is years behind",
          .consequence = "certificates of registries count as not valid yet",
          .remedy = "sudo timedatectl set-ntp true",
          .script = "timedatectl set-ntp true",
          .needs_root = true};
}

}  // namespace

const std::vector<HostCheck>& session_checks() {
  static const std::vector<HostCheck> checks{
      {"runtime-dir", "XDG_RUNTIME_DIR", runtime_dir},
      {"linger", "after logout", linger},
      {"user-bus", "the service manager", user_bus},
      {"cgroup-mode", "cgroups", cgroup_mode},
      {"cgroup-delegation", "controllers of cgroups", delegated_controllers},
      {"open-files", "open files", open_files},
      {"clock", "the clock", clock},
  };
  return checks;
}

}  // namespace engine
