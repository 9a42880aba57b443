#pragma once

#include <string>
#include <vector>

#include "engine/launch.hpp"
#include "rootless/id_map.hpp"
#include "runtime/container.hpp"

// A container under another OCI runtime. The keeper starts `engine _inside oci-start` in a user namespace with the
// caller's default map (root: only a mount namespace), which mounts the root file system where the bundle says and
// calls the runtime. Time flows down; each message is one word.
//
//   helper                      keeper
//                  ◀─────────   go           carries what the container's root shall own
//   fuse           ─────────▶   carries /dev/fuse; starts fuse-overlayfs. Only for that driver.
//                  ◀─────────   served
//   created        ─────────▶   the runtime's `create` has ended; the container's first process is our child now
//                               network and cgroup
//                  ◀─────────   start        not when a later `engine start` does it, by the FIFO
//   started        ─────────▶   the runtime's `start` has ended
//
// An error takes the place of any of the helper's words.

namespace engine {

/// What runtime::create is for the built-in runtime; of `request` what concerns the root file system, streams, network
/// and cgroup counts. The process has been started when this returns, unless request.start_fd is given.
runtime::CreatedInit create_externally(const Launch& launch, runtime::CreateRequest& request,
                                       const rootless::IdMap& map);

/// The helper.
int start_externally_inside(Engine& engine, const std::vector<std::string>& words);

/// For an initialized container that its helper was told to start. @throws Error, when it has not been.
void check_started_externally(const storage::ContainerDir& container, const storage::ContainerRecord& record,
                              bool has_ended);

/// What runtime::exec is for the built-in runtime.
runtime::CreatedInit exec_externally(Engine& engine, const storage::ContainerDir& container,
                                     const storage::ContainerRecord& record, const runtime::ExecRequest& request);

/// `engine _inside oci-call`: one call of a runtime, in the user namespace that the container's was made in.
int call_externally_inside(const rootless::HostFacts& host, const std::vector<std::string>& words);

/// A container that has ended: the runtime removes what it has of it, if it has anything. Failures are only logged.
void delete_externally(Engine& engine, const storage::ContainerDir& container,
                       const storage::ContainerRecord& record) noexcept;

}  // namespace engine
