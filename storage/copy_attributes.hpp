#pragma once

#include <functional>
#include <string>
#include <sys/stat.h>

namespace storage {

struct AttributeChoice {
  bool keep_overlay_marks = false;  ///< user.overlay.*: for a tree that is a layer again.
  /// What security.capability becomes; empty: what the kernel makes of it for our own root.
  std::function<std::string(const std::string& value)> capabilities = nullptr;
};

/// Extended attributes of `source`, and owner, mode and times of `info` (its fstat), to `target`; both are real
/// descriptors (not O_PATH) of regular files or directories. The order matters: a change of owner clears capabilities
/// and set-id bits, and everything changes the times.
void copy_attributes(int source, int target, const struct stat& info, const AttributeChoice& choice = {});

/// Owner, mode and times of what is not opened: symbolic links, FIFOs, sockets and devices.
void set_attributes_by_name(int dir, const std::string& name, const struct stat& info);

/// Whether overlay hides everything below this directory: user.overlay.opaque is "y".
/// Source: Linux Documentation/filesystems/overlayfs.rst, "whiteouts and opaque directories".
bool is_opaque(int dir);
/// Whether the entry is a whiteout: a character device 0:0.
bool is_whiteout(const struct stat& info);

}  // namespace storage
