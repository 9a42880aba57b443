#include "base/mount.hpp"

#include <array>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/mount_classic.hpp"

namespace base {
namespace {

/// What the kernel wrote into the log of a file system context: "e overlay: No changes allowed in …". One message a
/// read; the first letter is the severity. Source: fsopen(2), "reading" a context.
std::string take_kernel_log(int context) {
  std::array<char, 1024> buffer;
  std::string text;
  for (int count = 0; count < 16; ++count) {
    const ssize_t size = ::read(context, buffer.data(), buffer.size());
    if (size <= 0) break;
    std::string_view line = trim({buffer.data(), static_cast<std::size_t>(size)});
    if (line.size() > 2 && line[1] == ' ') line.remove_prefix(2);
    text += concat(text.empty() ? "" : "; ", line);
  }
  return text;
}

/// As os_error, with the kernel's explanation where it gave one.
template <class... Parts>
Error context_error(int context, const Parts&... doing) {
  const int code = errno;
  const std::string log = take_kernel_log(context);
  Error error = error_from_code(code, concat(doing...));
  if (log.empty()) return error;
  return Error{error.kind(), concat(error.message(), " (the kernel says ", quoted(log), ")")}.with_code(code);
}

void set_mount_attributes(int mount, const mount_attr& attributes, bool recursive) {
  const unsigned flags = recursive ? unsigned{AT_EMPTY_PATH | AT_RECURSIVE} : unsigned{AT_EMPTY_PATH};
  mount_attr copy = attributes;
  if (::mount_setattr(mount, "", flags, &copy, sizeof copy) != 0) throw os_error("setting mount attributes");
}

bool is_missing(int result) {
  return result < 0 && errno == ENOSYS;
}

}  // namespace

FilesystemContext::FilesystemContext(const std::string& type)
    : type_(type), fd_(::fsopen(type.c_str(), FSOPEN_CLOEXEC)) {
  if (!fd_ && errno != ENOSYS) throw os_error("opening file system type ", quoted(type));
}

FilesystemContext FilesystemContext::of_mount(int mount) {
  UniqueFd fd{::fspick(mount, "", FSPICK_CLOEXEC | FSPICK_EMPTY_PATH)};
  if (!fd) throw os_error("opening a mounted file system to change it");
  return FilesystemContext{"mounted", std::move(fd)};
}

FilesystemContext& FilesystemContext::set(const std::string& key, const std::string& value) {
  if (!fd_) {
    classic_data_.emplace_back(key, value);
    return *this;
  }
  if (::fsconfig(fd_.get(), FSCONFIG_SET_STRING, key.c_str(), value.c_str(), 0) != 0)
    throw context_error(fd_.get(), "setting ", quoted(key), " of a mount of type ", quoted(type_), " to ",
                        quoted(value));
  return *this;
}

FilesystemContext& FilesystemContext::set_flag(const std::string& key) {
  if (!fd_) {
    classic_data_.emplace_back(key, "");
    return *this;
  }
  if (::fsconfig(fd_.get(), FSCONFIG_SET_FLAG, key.c_str(), nullptr, 0) != 0)
    throw context_error(fd_.get(), "setting ", quoted(key), " of a mount of type ", quoted(type_));
  return *this;
}

FilesystemContext& FilesystemContext::set_fd(const std::string& key, int fd) {
  if (!fd_) throw error_from_code(EINVAL, concat("setting ", quoted(key), " without fsopen"));
  if (::fsconfig(fd_.get(), FSCONFIG_SET_FD, key.c_str(), nullptr, fd) != 0)
    throw context_error(fd_.get(), "setting ", quoted(key), " of a mount of type ", quoted(type_), " to a descriptor");
  return *this;
}

UniqueFd FilesystemContext::create(std::uint64_t attributes) {
  if (!fd_) return classic::make(type_, classic_data_, attributes);
  if (::fsconfig(fd_.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    throw context_error(fd_.get(), "making a mount of type ", quoted(type_));
  UniqueFd mount{::fsmount(fd_.get(), FSMOUNT_CLOEXEC, static_cast<unsigned>(attributes))};
  if (!mount) throw context_error(fd_.get(), "making a mount of type ", quoted(type_));
  return mount;
}

void FilesystemContext::reconfigure() {
  if (::fsconfig(fd_.get(), FSCONFIG_CMD_RECONFIGURE, nullptr, nullptr, 0) != 0)
    throw context_error(fd_.get(), "changing a mounted file system");
}

UniqueFd clone_tree(int at, const std::string& path, bool recursive) {
  unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | unsigned{AT_EMPTY_PATH};
  if (recursive) flags |= unsigned{AT_RECURSIVE};
  UniqueFd tree{::open_tree(at, path.c_str(), flags)};
  if (is_missing(tree.get())) return classic::bind(at, path, recursive);
  if (!tree) throw os_error("copying the mount at ", quoted(path));
  return tree;
}

void attach(int mount, int target) {
  const int result = ::move_mount(mount, "", target, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
  if (is_missing(result)) return classic::move(mount, target);
  if (result != 0) throw os_error("attaching a mount");
}

void attach_at(int mount, int dir, const std::string& path) {
  const int result = ::move_mount(mount, "", dir, path.c_str(), MOVE_MOUNT_F_EMPTY_PATH);
  if (is_missing(result)) {
    const UniqueFd target{::openat(dir, path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    if (!target) throw os_error("opening ", quoted(path));
    return classic::move(mount, target.get());
  }
  if (result != 0) throw os_error("attaching a mount at ", quoted(path));
}

bool has_mount_setattr() {
  // Nothing can be asked of no mount with no attributes: EINVAL or EBADF, unless the call does not exist.
  return !is_missing(::mount_setattr(-1, "", 0, nullptr, 0));
}

bool has_open_tree() {
  return !is_missing(::open_tree(-1, "", 0));  // EBADF or ENOENT, unless the call does not exist
}

void set_attributes(int mount, std::uint64_t set, std::uint64_t clear, bool recursive) {
  if (!has_mount_setattr()) return classic::set_attributes(mount, set, clear, recursive);
  mount_attr attributes{};
  attributes.attr_set = set;
  attributes.attr_clr = clear;
  set_mount_attributes(mount, attributes, recursive);
}

void set_propagation(int mount, std::uint64_t propagation, bool recursive) {
  if (!has_mount_setattr()) return classic::set_propagation(mount, propagation, recursive);
  mount_attr attributes{};
  attributes.propagation = propagation;
  set_mount_attributes(mount, attributes, recursive);
}

void map_ids(int mount, int user_namespace, bool recursive) {
  mount_attr attributes{};
  attributes.attr_set = MOUNT_ATTR_IDMAP;
  attributes.userns_fd = static_cast<std::uint64_t>(user_namespace);
  set_mount_attributes(mount, attributes, recursive);
}

void mount_path(const std::string& source, const std::string& target, const std::string& type, unsigned long flags,
                const std::string& data) {
  if (::mount(source.c_str(), target.c_str(), type.c_str(), flags, data.c_str()) != 0)
    throw os_error("mounting ", type.empty() ? "" : concat(type, " "), quoted(source), " on ", quoted(target));
}

void unmount(const std::string& target, int flags) {
  if (::umount2(target.c_str(), flags) != 0) throw os_error("unmounting ", quoted(target));
}

void pivot_into(int root) {
  if (::fchdir(root) != 0) throw os_error("changing to the new root");
  if (::syscall(SYS_pivot_root, ".", ".") != 0) throw os_error("changing the root");
  // The old root now lies on top of the new one, at the same place.
  if (::umount2(".", MNT_DETACH) != 0) throw os_error("detaching the old root");
  if (::chdir("/") != 0) throw os_error("changing to the root directory");
}

}  // namespace base
