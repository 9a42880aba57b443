#pragma once

#include <string>
#include <sys/stat.h>

namespace storage {

/// Owner, extended attributes, mode and times of `source` (whose fstat is `info`) to `target`; both are real
/// descriptors (not O_PATH) of regular files or directories. The markers of overlay (user.overlay.*) stay behind. The
/// order matters: a change of owner clears capabilities and set-id bits, and everything changes the times.
void copy_attributes(int source, int target, const struct stat& info);

/// Owner, mode and times of what is not opened: symbolic links, FIFOs, sockets and devices.
void set_attributes_by_name(int dir, const std::string& name, const struct stat& info);

/// Whether overlay hides everything below this directory: user.overlay.opaque is "y".
/// Source: Linux Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories".
bool is_opaque(int dir);
/// Whether the entry is a whiteout: a character device 0:0.
bool is_whiteout(const struct stat& info);

}  // namespace storage
