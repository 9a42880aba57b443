#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "base/channel.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/process.hpp"
#include "rootless/host_facts.hpp"

namespace rootless {

/// Writes uid_map, setgroups and gid_map of a process that waits in a fresh user namespace: directly where we may
/// (single id, or host.writes_maps), else by newuidmap and newgidmap, started together.
/// `proc_pid_fd`: directory descriptor of /proc/PID, opened before the process could die and its number be reused. The
/// process must be dumpable while we write directly: the files of a non-dumpable one belong to root.
/// @throws Error with the helper's own words and a hint.
void write_id_maps(pid_t pid, int proc_pid_fd, const IdMap& map, const HostFacts& host);

/// Explains why clone or unshare with CLONE_NEWUSER failed with errno `code`: which limit or sysctl forbids it.
base::Error user_namespace_error(int code);

// The conversation of a helper process that enters a mapped user namespace by itself. Time flows down; each message is
// one word.
//
//   child (enter_mapped_namespace)          parent (spawn_in_user_namespace)
//   map-ids                    ─────────▶   writes uid_map, setgroups, gid_map
//                              ◀─────────   ids-mapped
//   becomes 0:0; the channel is the caller's from now on
//
//   failed ERRNO               ─────────▶   instead of map-ids, when unshare failed; the parent kills the child, or
//                              ◀─────────   as-you-are, for root that may only chroot: the child stays what it is

/// Parent side: starts `command` (one of our own executables) with one end of a channel as descriptor 3, waits for its
/// request, writes its maps, answers. The child calls enter_mapped_namespace() first thing.
struct MappedChild {
  base::Child process;
  base::Channel channel;
  std::string unmapped_reason = {};  ///< Why it works without a user namespace; empty: it has one.
};
MappedChild spawn_in_user_namespace(base::Command command, const IdMap& map, const HostFacts& host);

/// Child side: unshare(CLONE_NEWUSER [| CLONE_NEWNS]), asks over descriptor 3, becomes uid and gid 0 with no
/// supplementary groups unless it keeps them, and not dumpable. Must be single-threaded. Returns the channel for the
/// caller's own use.
base::Channel enter_mapped_namespace(bool with_mount_namespace, bool keeps_groups = false);

/// Joins the user namespace behind this descriptor and becomes 0:0 there; single-threaded callers only.
void join_user_namespace(int user_namespace_fd);

/// Joins it with all capabilities but keeps its own ids: for a process that is about to end and has files of the
/// namespace's ids to remove from places of its own. There is no way back.
void enter_user_namespace(int user_namespace_fd);

}  // namespace rootless
