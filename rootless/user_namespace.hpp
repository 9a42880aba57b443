#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/channel.hpp"
#include "base/fd.hpp"
#include "base/process.hpp"
#include "rootless/host_facts.hpp"

namespace rootless {

/// Writes uid_map, setgroups and gid_map of a process that waits in a fresh user namespace: directly where we may
/// (single id, CAP_SETUID in our namespace), else by newuidmap and newgidmap, started together.
/// `proc_pid_fd`: directory descriptor of /proc/PID, opened before the process could die and its number be reused.
/// @throws Error with the helper's own words and a hint.
void write_id_maps(pid_t pid, int proc_pid_fd, const IdMap& map, const HostFacts& host);

/// Parent side of a helper process that enters a mapped user namespace by itself: starts `command` (one of our own
/// executables) with one end of a channel as descriptor 3, waits for its request, writes its maps, answers.
/// The child calls enter_mapped_namespace() first thing.
struct MappedChild {
  base::Child process;
  base::Channel channel;
};
MappedChild spawn_in_user_namespace(base::Command command, const IdMap& map, const HostFacts& host);

/// Child side: unshare(CLONE_NEWUSER [| CLONE_NEWNS]), asks over descriptor 3, becomes uid and gid 0 with no
/// supplementary groups. Must be single-threaded. Returns the channel for the caller's own use.
base::Channel enter_mapped_namespace(bool with_mount_namespace);

/// Joins the user namespace behind this descriptor and becomes 0:0 there; single-threaded callers only.
void join_user_namespace(int user_namespace_fd);

}  // namespace rootless
