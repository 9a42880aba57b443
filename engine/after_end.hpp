#pragma once

#include "base/lock.hpp"
#include "engine/context.hpp"
#include "runtime/spec.hpp"
#include "storage/containers.hpp"

namespace engine {

// What is done once after each life of a container: what was written over folders mounted with option O goes, and the
// poststop hooks of its CDI files run. A file in its folder says that this is still to be done, from before the start
// on: whoever watches, starts or removes the container next does it where the monitor was killed.

/// Notes it, and makes the folders that the mounts need. The caller holds `alive`.
void expect_end(Engine& engine, const storage::ContainerDir& container, const runtime::Spec& spec);

/// Whether something is still to be done; while the container runs, whether it will be.
bool has_work_after_end(const storage::ContainerDir& container);

/// Does it. The caller holds `alive`, and so nobody starts the container meanwhile. What fails is a warning.
void finish_life(Engine& engine, const storage::ContainerDir& container, const base::FileLock& alive) noexcept;

/// As above, for whoever meets the container; nothing happens while it runs.
void finish_ended(Engine& engine, const storage::ContainerDir& container) noexcept;

/// The folder for what is written over `source`. Its parts are made unless they are there.
void make_overlay_folder(int container, const std::string& folder, const std::string& source);

}  // namespace engine
