#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/channel.hpp"
#include "base/error.hpp"

// What init and its parent say to each other over one SOCK_SEQPACKET pair. Time flows down; each message is one byte,
// then its payload.
//
//   init                          parent
//   cgroup_please   ─────────▶    moves init to the container's cgroup. Only when it was not born there.
//                   ◀─────────    cgroup_entered
//   successor (pid) ─────────▶    the process that was cloned has ended after cloning init itself, which is also our
//                                 child; carries its pidfd. Only when namespaces must be entered before that.
//                   ◀─────────    successor_known (pid)
//   map_ids_please  ─────────▶    writes uid_map, setgroups and gid_map. Only with a new user namespace.
//                   ◀─────────    ids_mapped
//   network_exists  ─────────▶    starts the user-mode network or moves devices, while init goes on. Only when asked.
//   serve_fuse      ─────────▶    carries the /dev/fuse descriptor; starts fuse-overlayfs. Only for that driver.
//                   ◀─────────    fuse_served
//                   ◀─────────    network_up        (init waits for it before hooks, else last, when it said
//                                 network_exists)
//   built           ─────────▶    runs prestart and createRuntime hooks. Only when there are hooks.
//                   ◀─────────    hooks_ran         (init runs the createContainer hooks itself)
//   created         ─────────▶    carries the pty master, if any; `create` returns, init executes the last stage
//   failed          ─────────▶    an Error follows; nothing comes after it
//
// From then on the report pipe speaks, see runtime/stub/plan.h: end of file means that the program runs.

namespace runtime {

enum class Sync : std::uint8_t {
  successor = 1,
  successor_known,
  map_ids_please,
  ids_mapped,
  network_exists,
  network_up,
  serve_fuse,
  fuse_served,
  cgroup_please,
  cgroup_entered,
  built,
  hooks_ran,
  created,
  failed
};

struct SyncMessage {
  Sync type = Sync::failed;
  std::string payload;
  std::vector<base::UniqueFd> fds;
};

void send_sync(const base::Channel& channel, Sync type, std::string_view payload = {},
               const std::vector<int>& fds = {});

/// The next message. @throws Error the peer's own when it says failed, and internal when it is gone.
SyncMessage receive_sync(const base::Channel& channel);
/// As above. @throws Error internal naming both, when it is another type.
SyncMessage expect_sync(const base::Channel& channel, Sync type);

/// An Error as the payload of "failed", and back.
std::string encode_error(const base::Error& error);
base::Error decode_error(std::string_view payload);

}  // namespace runtime
