#pragma once

#include <string>

#include "runtime/spec.hpp"

namespace engine {

/// In a user namespace of the container's own, crun sets nosuid, nodev and noexec of bind mounts only in their
/// recursive form, which it knows for folders only.
void repeat_mount_flags(runtime::Spec& spec);

/// A volume that is a folder above the place of the container's own root file system would show that with a /proc in
/// which nothing is masked: something empty is mounted there. @param root_place  Absolute; need not be there yet.
/// @throws Error invalid_argument, when a volume lies inside of it.
void cover_own_root(runtime::Spec& spec, const std::string& root_place, bool is_runc);

}  // namespace engine
