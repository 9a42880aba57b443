#include "cmd/options_run.hpp"

namespace cmd {

void declare_isolation_options(OptionTable& table, engine::RunOptions& options) {
  table.flag("privileged", 0, options.privileged,
             "All capabilities of the user namespace, no masked paths, no system call filter");
  table.comma_list("cap-add", 0, "CAPABILITY", options.cap_add, "Add a capability, or all");
  table.comma_list("cap-drop", 0, "CAPABILITY", options.cap_drop, "Drop a capability, or all");
  table.list("security-opt", 0, "OPTION", options.security_opt,
             "seccomp=FILE|unconfined, no-new-privileges, mask=PATHS, unmask=PATHS|ALL, label=…, apparmor=…");
  table.comma_list("sysctl", 0, "NAME=VALUE", options.sysctls, "Set a kernel parameter of the container's namespaces");
  table.text("userns", 0, "MODE", options.userns, "User namespace: host, or a map of its own when not given");
  table.text("pid", 0, "MODE", options.pid, "Process ids: private or host");
  table.text("ipc", 0, "MODE", options.ipc, "Inter-process communication: private or host");
  table.text("uts", 0, "MODE", options.uts, "Host name: private or host");
  table.text("cgroupns", 0, "MODE", options.cgroupns, "Cgroup namespace: private or host");
  table.text("cgroups", 0, "MODE", options.cgroups, "Whether to use cgroups")
      .choices("enabled|disabled|no-conmon|split");
}

}  // namespace cmd
