#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/fd.hpp"

// The only calls of mount(2), umount2(2), pivot_root(2) and the newer, descriptor-based mount API.
// Sources: fsopen(2), fsconfig(2), fsmount(2), open_tree(2), move_mount(2), mount_setattr(2) of Linux 5.2 to 6.15.

namespace base {

/// How the lowers, upper and work directory of a container become one tree.
enum class RootfsDriver { overlay, fuse_overlayfs, copy, plain };

/// A root file system that `storage` planned and `runtime` mounts inside the container's own namespaces.
struct RootfsMount {
  RootfsDriver driver = RootfsDriver::plain;
  std::vector<UniqueFd>
      lowers;      ///< O_PATH directories, uppermost first. For copy and plain: exactly one, the tree itself.
  UniqueFd upper;  ///< overlay and fuse-overlayfs; none for a read-only tree.
  UniqueFd work;   ///< Same file system as upper.
  bool read_only = false;
  bool volatile_upper = false;  ///< overlay option "volatile": no sync; for --rm containers.
  bool served_lowers = false;   ///< overlay: a FUSE server shows the lowers, with the owners that they shall have.
};

/// fsopen + fsconfig. Key without value: a flag. Where the kernel has no fsopen(2), mount(2) does the work (see
/// mount_classic.hpp).
class FilesystemContext {
 public:
  explicit FilesystemContext(const std::string& type);
  /// fspick(2): the file system of `mount`, to be changed by reconfigure().
  static FilesystemContext of_mount(int mount);
  FilesystemContext& set(const std::string& key, const std::string& value);
  FilesystemContext& set_flag(const std::string& key);
  FilesystemContext& set_fd(const std::string& key, int fd);
  /// FSCONFIG_CMD_CREATE + fsmount with MOUNT_ATTR_* flags: a detached mount. Errors carry the kernel's own log line.
  UniqueFd create(std::uint64_t attributes = 0);
  /// FSCONFIG_CMD_RECONFIGURE: what was set becomes true for all mounts of the file system.
  void reconfigure();
  /// There is no fsopen(2): what is set is checked by mount(2) only.
  bool is_classic() const noexcept { return !fd_; }

 private:
  FilesystemContext(std::string type, UniqueFd fd) : type_(std::move(type)), fd_(std::move(fd)) {}
  std::string type_;
  UniqueFd fd_;                                                    ///< Empty: there is no fsopen(2).
  std::vector<std::pair<std::string, std::string>> classic_data_;  ///< Then kept until mount(2); a flag has no value.
};

/// open_tree(OPEN_TREE_CLONE): a detached copy of the mount at `at`/`path` ("" with AT_EMPTY_PATH: the fd itself).
UniqueFd clone_tree(int at, const std::string& path, bool recursive);
/// move_mount of a detached mount onto an O_PATH descriptor (F_EMPTY_PATH | T_EMPTY_PATH).
void attach(int mount, int target);
/// As above onto a path below a directory descriptor.
void attach_at(int mount, int dir, const std::string& path);
/// mount_setattr on the mount an fd belongs to; mount(2) where the kernel has none (before 5.12), which works for
/// attached mounts only.
void set_attributes(int mount, std::uint64_t set, std::uint64_t clear, bool recursive);
void set_propagation(int mount, std::uint64_t propagation, bool recursive);
/// MOUNT_ATTR_IDMAP: ids of the file system are shown as `user_namespace` maps them. For detached mounts.
void map_ids(int mount, int user_namespace, bool recursive);
/// Whether the kernel has mount_setattr(2) and open_tree(2), found by trying. Without the latter clone_tree needs
/// mapped ids, since it makes a place for the clone.
bool has_mount_setattr();
bool has_open_tree();

/// mount(2) and umount2(2), for what has no descriptor form.
void mount_path(const std::string& source, const std::string& target, const std::string& type, unsigned long flags,
                const std::string& data);
void unmount(const std::string& target, int flags);
/// fchdir(root); pivot_root(".", "."); umount2(".", MNT_DETACH); chdir("/"). Source: pivot_root(2) "NOTES".
void pivot_into(int root);

}  // namespace base
