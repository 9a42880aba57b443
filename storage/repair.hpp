#pragma once

#include <string>

#include "base/digest.hpp"
#include "base/lock.hpp"
#include "storage/containers.hpp"
#include "storage/store.hpp"

// What a repair does to objects that are otherwise never changed. Each step is a rename, so a repair may be killed at
// any moment and begun again.

namespace storage {

/// Puts what was unpacked, with its records, in `staging_dir`/`name` in the place of layers/<chain>/<variant>; what was
/// there before is left in the staging folder or goes to the trash. Merged trees made of that variant go as well.
/// Nobody may have the old tree mounted: see lock_users in engine/repair_image.cpp.
void replace_layer(const Store& store, const GcLock& lock, int staging_dir, const std::string& name,
                   const base::Digest& chain, const std::string& variant);

/// Links the record to the name that it says. @throws Error already_exists, when another container has it.
void restore_container_name(const Store& store, const ContainerDir& container);
/// Replaces a damaged state by what read_state makes of it. Nothing may run in the container.
void restore_container_state(const ContainerDir& container, const base::FileLock& container_lock);

}  // namespace storage
