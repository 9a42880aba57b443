#include "storage/copy_attributes.hpp"

#include <array>
#include <fcntl.h>
#include <string_view>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/error.hpp"

namespace storage {

namespace {

constexpr std::size_t max_attribute_bytes = 64 * 1024;  // XATTR_LIST_MAX and XATTR_SIZE_MAX

/// Markers of overlay, and what the kernel or the host gives every file by itself.
bool stays_behind(std::string_view name, const AttributeChoice& choice) {
  return (name.rfind("user.overlay.", 0) == 0 && !choice.keep_overlay_marks) || name.rfind("trusted.", 0) == 0 ||
         name == "security.selinux";
}

void copy_extended_attribute(int source, int target, const char* name, const AttributeChoice& choice) {
  std::string value(max_attribute_bytes, '\0');
  const ssize_t size = ::fgetxattr(source, name, value.data(), value.size());
  if (size < 0) throw base::os_error("reading the attribute ", base::quoted(name));
  value.resize(static_cast<std::size_t>(size));
  if (choice.capabilities && std::string_view{name} == "security.capability") value = choice.capabilities(value);
  if (::fsetxattr(target, name, value.data(), value.size(), 0) != 0) {
    throw base::os_error("setting the attribute ", base::quoted(name));
  }
}

void copy_extended_attributes(int source, int target, const AttributeChoice& choice) {
  const ssize_t size = ::flistxattr(source, nullptr, 0);
  if (size == 0 || (size < 0 && errno == EOPNOTSUPP)) return;
  if (size < 0) throw base::os_error("listing attributes");
  std::string names(static_cast<std::size_t>(size), '\0');
  const ssize_t filled = ::flistxattr(source, names.data(), names.size());
  if (filled < 0) throw base::os_error("listing attributes");
  for (std::size_t start = 0; start < static_cast<std::size_t>(filled);) {
    const char* name = names.c_str() + start;
    if (!stays_behind(name, choice)) copy_extended_attribute(source, target, name, choice);
    start += std::string_view{name}.size() + 1;
  }
}

std::array<timespec, 2> times_of(const struct stat& info) {
  return {info.st_atim, info.st_mtim};
}

}  // namespace

void copy_attributes(int source, int target, const struct stat& info, const AttributeChoice& choice) {
  struct stat fresh {};
  if (::fstat(target, &fresh) != 0) throw base::os_error("looking at a copy");
  const bool has_other_owner = fresh.st_uid != info.st_uid || fresh.st_gid != info.st_gid;
  if (has_other_owner && ::fchown(target, info.st_uid, info.st_gid) != 0)
    throw base::os_error("giving a copy its owner");
  copy_extended_attributes(source, target, choice);
  if (::fchmod(target, info.st_mode & 07777) != 0) throw base::os_error("giving a copy its mode");
  if (::futimens(target, times_of(info).data()) != 0) throw base::os_error("giving a copy its times");
}

void set_attributes_by_name(int dir, const std::string& name, const struct stat& info) {
  if (::fchownat(dir, name.c_str(), info.st_uid, info.st_gid, AT_SYMLINK_NOFOLLOW) != 0) {
    throw base::os_error("giving ", base::quoted(name), " its owner");
  }
  // A link has no mode. Of the others the name is ours alone, so following it is safe.
  if (!S_ISLNK(info.st_mode) && ::fchmodat(dir, name.c_str(), info.st_mode & 07777, 0) != 0) {
    throw base::os_error("giving ", base::quoted(name), " its mode");
  }
  if (::utimensat(dir, name.c_str(), times_of(info).data(), AT_SYMLINK_NOFOLLOW) != 0) {
    throw base::os_error("giving ", base::quoted(name), " its times");
  }
}

bool is_opaque(int dir) {
  std::array<char, 8> value{};
  const ssize_t size = ::fgetxattr(dir, "user.overlay.opaque", value.data(), value.size());
  return size == 1 && value[0] == 'y';
}

bool is_whiteout(const struct stat& info) {
  return S_ISCHR(info.st_mode) && info.st_rdev == makedev(0, 0);
}

}  // namespace storage
