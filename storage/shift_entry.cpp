#include "storage/shift_entry.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "storage/copy_attributes.hpp"
#include "storage/copy_tree.hpp"

namespace storage {
namespace {

constexpr std::size_t small_bytes = 128 * 1024;

/// The value of security.capability, for another root. Source: Linux include/uapi/linux/capability.h.
std::string capabilities_for(const std::string& value, std::uint32_t root_uid) {
  vfs_ns_cap_data data{};
  if (value.size() != XATTR_CAPS_SZ_2 && value.size() != XATTR_CAPS_SZ_3) return value;
  std::memcpy(&data, value.data(), value.size());
  data.magic_etc = (data.magic_etc & VFS_CAP_FLAGS_MASK) | VFS_CAP_REVISION_3;  // both are little-endian, as we are
  data.rootid = root_uid;
  return {reinterpret_cast<const char*>(&data), XATTR_CAPS_SZ_3};
}

void copy_file_content(ShiftState& state, int source, int target, const struct stat& info) {
  if (info.st_size == 0) return;
  if (state.has_reflinks.load(std::memory_order_relaxed)) {
    if (::ioctl(target, FICLONE, source) == 0) return;
    state.has_reflinks = false;
  }
  constexpr blkcnt_t block_bytes = 512;
  const bool has_holes = info.st_blocks * block_bytes < info.st_size;
  if (static_cast<std::size_t>(info.st_size) > small_bytes || has_holes) {
    copy_data(source, target, info.st_size);
    return;
  }
  std::array<char, small_bytes> buffer;
  const std::size_t got = base::read_some(source, buffer.data(), static_cast<std::size_t>(info.st_size));
  base::write_all(target, {buffer.data(), got});
  if (got != static_cast<std::size_t>(info.st_size)) copy_data(source, target, info.st_size);
}

void shift_file(ShiftState& state, int source_dir, int target_dir, const std::string& name, const struct stat& info,
                const struct stat& wanted) {
  const base::UniqueFd source{::openat(source_dir, name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  if (!source) throw base::os_error("opening it");
  // With no umask it has its mode from the beginning; set-id bits would not survive the change of owner.
  const bool has_special_mode = (info.st_mode & (S_ISUID | S_ISGID | S_ISVTX)) != 0;
  const base::UniqueFd target{::openat(target_dir, name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                                       has_special_mode ? 0600 : info.st_mode & 0777)};
  if (!target) throw base::os_error("creating it");
  copy_file_content(state, source.get(), target.get(), info);
  if (has_special_mode || ::flistxattr(source.get(), nullptr, 0) > 0)
    return shift_attributes(state, source.get(), target.get(), wanted);
  if (::fchown(target.get(), wanted.st_uid, wanted.st_gid) != 0) throw base::os_error("giving it to its owner");
  const timespec times[] = {wanted.st_atim, wanted.st_mtim};
  if (::futimens(target.get(), times) != 0) throw base::os_error("setting its times");
}

void shift_symbolic_link(int source_dir, int target_dir, const std::string& name, const struct stat& wanted) {
  std::array<char, 4096> text;  // PATH_MAX; the kernel makes no longer ones
  const ssize_t size = ::readlinkat(source_dir, name.c_str(), text.data(), text.size() - 1);
  if (size < 0) throw base::os_error("reading the link");
  text[static_cast<std::size_t>(size)] = '\0';
  if (::symlinkat(text.data(), target_dir, name.c_str()) != 0) throw base::os_error("making the link");
  set_attributes_by_name(target_dir, name, wanted);
}

bool link_file(int source_dir, int target_dir, const std::string& name) {
  if (::linkat(source_dir, name.c_str(), target_dir, name.c_str(), 0) == 0) return true;
  // Too many links, or links to foreign files forbidden (fs.protected_hardlinks): a copy shows the same.
  if (errno != EMLINK && errno != EPERM) throw base::os_error("linking it");
  return false;
}

}  // namespace

void shift_attributes(const ShiftState& state, int source, int target, const struct stat& wanted) {
  copy_attributes(source, target, wanted, {.keep_overlay_marks = true, .capabilities = [&](const std::string& value) {
                                             return capabilities_for(value, state.translation.root_uid);
                                           }});
}

void shift_entry(ShiftState& state, int source_dir, int target_dir, const std::string& name, const struct stat& info,
                 const struct stat& wanted) {
  const bool has_same_owner = wanted.st_uid == info.st_uid && wanted.st_gid == info.st_gid;
  if (has_same_owner && state.translation.may_link && state.translation.keeps_root() &&
      link_file(source_dir, target_dir, name))
    return;
  if (S_ISREG(info.st_mode)) return shift_file(state, source_dir, target_dir, name, info, wanted);
  if (S_ISLNK(info.st_mode)) return shift_symbolic_link(source_dir, target_dir, name, wanted);
  if (::mknodat(target_dir, name.c_str(), (info.st_mode & S_IFMT) | 0600, info.st_rdev) != 0)
    throw base::os_error("making the special file");
  if (!is_whiteout(info)) set_attributes_by_name(target_dir, name, wanted);
}

}  // namespace storage
