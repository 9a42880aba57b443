#pragma once

#include "runtime/spec.hpp"

namespace runtime {

/// What mounts are to other containers, in a root directory that will be a chroot: copies of the files that
/// `spec.mounts` binds, folders of /dev, and the usual device nodes, where CAP_MKNOD makes them.
void fill_chroot(int root, const Spec& spec);

}  // namespace runtime
