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
  table.text("userns", 0, "MODE", options.userns,
             "Users of the container: host (you are its root), keep-id[:uid=,gid=,size=] (you keep your id), "
             "auto[:size=,uidmapping=,gidmapping=] (ids of its own), nomap (all but yours), container:NAME, ns:PATH");
  table.list("uidmap", 0, "MAP", options.uid_maps,
             "Users as CONTAINER-ID:INTERMEDIATE-ID[:AMOUNT]; 0 is you (repeatable)");
  table.list("gidmap", 0, "MAP", options.gid_maps, "The same for groups");
  table.flag("passwd", 0, options.passwd,
             "Whether the container's user gets a line in /etc/passwd when the image has none for it");
  table.text("passwd-entry", 0, "LINE", options.passwd_entry,
             "That line; $USERNAME, $UID, $GID, $NAME and $HOME are filled in");
  table.text("subuidname", 0, "NAME", options.subuid_name, "Users are the ranges of this name in /etc/subuid");
  table.text("subgidname", 0, "NAME", options.subgid_name, "Groups are the ranges of this name in /etc/subgid");
  table.text("pid", 0, "MODE", options.pid,
             "Process ids: private, host, container:NAME to share a container's, or ns:PATH");
  table.text("ipc", 0, "MODE", options.ipc,
             "Inter-process communication: shareable, private, none, host, container:NAME, or ns:PATH");
  table.text("uts", 0, "MODE", options.uts, "Host name: private, host, container:NAME, or ns:PATH");
  table.comma_list("require", 0, "PART", options.require,
                   "Fail where the host allows only a lesser mode: full, or ids, rootfs, namespaces, cgroup, network");
  table.flag("root-emulation", 0, options.root_emulation,
             "With a single id: changing owners and users, and making devices, seems to succeed");
  table.text("cgroupns", 0, "MODE", options.cgroupns, "Cgroup namespace: private, host, container:NAME, or ns:PATH");
}

}  // namespace cmd
