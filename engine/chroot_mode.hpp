#pragma once

#include "engine/namespace_choice.hpp"
#include "engine/run_options.hpp"
#include "runtime/spec.hpp"

// The lowest rung: root of a surrounding container without rights, where neither a namespace nor a mount can be made.
// chroot(2) isolates from files and from nothing else, so as much as possible is taken from the process itself.

namespace engine {

/// Pure. The options with the host's namespaces. @throws Error unsupported, for what needs a namespace or a mount.
RunOptions fit_to_chroot(const RunOptions& options);

/// Pure. A spec without namespaces, and of its mounts only our own files, which are copied; no_new_privs, no capability
/// that leads out of a chroot, and no call that reaches into other processes.
void make_chroot_spec(runtime::Spec& spec);

/// Whether config.json is one of those.
bool is_chroot_spec(const runtime::Spec& spec);

/// A container that was made for a chroot is started only where nothing better can be had.
/// @throws Error unsupported.
void check_chroot_start(Engine& engine, const runtime::Spec& spec);

}  // namespace engine
