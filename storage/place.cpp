#include "storage/place.hpp"

#include <array>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <utility>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/scope_exit.hpp"

namespace storage {
namespace {

// Those that linux/magic.h of Debian 12 has not.
constexpr std::uint64_t cifs_magic = 0xff534d42, smb2_magic = 0xfe534d42, lustre_magic = 0x0bd00bd0,
                        xfs_magic = 0x58465342, zfs_magic = 0x2fc12fc1, exfat_magic = 0x2011bab0,
                        bcachefs_magic = 0xca451a4e, virtiofs_and_fuse_magic = 0x65735546, ninep_magic = 0x01021997;

constexpr std::array<std::pair<std::uint64_t, const char*>, 17> known_magics{{
    {NFS_SUPER_MAGIC, "nfs"},
    {cifs_magic, "cifs"},
    {smb2_magic, "cifs"},
    {lustre_magic, "lustre"},
    {ninep_magic, "9p"},
    {OVERLAYFS_SUPER_MAGIC, "overlay"},
    {EXT4_SUPER_MAGIC, "ext4"},
    {xfs_magic, "xfs"},
    {BTRFS_SUPER_MAGIC, "btrfs"},
    {zfs_magic, "zfs"},
    {bcachefs_magic, "bcachefs"},
    {F2FS_SUPER_MAGIC, "f2fs"},
    {TMPFS_MAGIC, "tmpfs"},
    {MSDOS_SUPER_MAGIC, "vfat"},
    {exfat_magic, "exfat"},
    {ECRYPTFS_SUPER_MAGIC, "ecryptfs"},
    {virtiofs_and_fuse_magic, "fuse"},
}};

bool is_network(std::string_view name) {
  return name == "nfs" || name == "cifs" || name == "lustre" || name == "9p";
}

bool has_no_owners(std::string_view name) {
  return name == "vfat" || name == "exfat";
}

/// Anything but "that is not possible here" is no answer to the question.
bool is_refusal(int code) {
  return code == EOPNOTSUPP || code == EINVAL || code == ENOSYS || code == EISDIR || code == ENOENT;
}

bool has_unnamed_files(int dir) {
  const base::UniqueFd fd{::openat(dir, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)};
  return fd || !is_refusal(errno);
}

bool can_rename(int dir, const std::string& from, const std::string& to, unsigned flags) {
  return ::renameat2(dir, from.c_str(), dir, to.c_str(), flags) == 0 || !is_refusal(errno);
}

bool is_mounted_read_only(int dir) {
  struct statvfs facts {};
  if (::fstatvfs(dir, &facts) != 0) throw base::os_error("asking for the file system of the store");
  return (facts.f_flag & ST_RDONLY) != 0;
}

}  // namespace

std::string file_system_name(std::uint64_t magic) {
  for (const auto& [number, name] : known_magics)
    if (number == magic) return name;
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (; magic != 0; magic >>= 4) hex.insert(hex.begin(), digits[magic & 15]);
  return base::concat("0x", hex.empty() ? "0" : hex);
}

PlaceFacts probe_place(int dir) {
  struct statfs facts {};
  if (::fstatfs(dir, &facts) != 0) throw base::os_error("asking for the file system of the store");
  PlaceFacts place{.magic = static_cast<std::uint32_t>(facts.f_type), .is_read_only = is_mounted_read_only(dir)};
  if (place.is_read_only) return place;
  const std::string suffix = base::random_hex(8);
  const std::string one = base::concat(".probe-1-", suffix), other = base::concat(".probe-2-", suffix);
  const auto clean_up = base::on_scope_exit([&] {
    ::unlinkat(dir, one.c_str(), 0);
    ::unlinkat(dir, other.c_str(), 0);
  });
  const base::UniqueFd file{::openat(dir, one.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (!file) throw base::os_error("making a file in the store");
  place.has_user_xattrs = ::fsetxattr(file.get(), "user.engine.probe", "y", 1, 0) == 0 || errno != EOPNOTSUPP;
  place.has_unnamed_files = has_unnamed_files(dir);
  place.has_no_replace = can_rename(dir, one, other, RENAME_NOREPLACE);
  const std::string& there = place.has_no_replace ? other : one;
  const std::string& absent = place.has_no_replace ? one : other;
  const base::UniqueFd second{::openat(dir, absent.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (second) place.has_exchange = can_rename(dir, there, absent, RENAME_EXCHANGE);
  return place;
}

std::vector<std::string> explain_place(const PlaceFacts& facts) {
  const std::string name = file_system_name(facts.magic);
  std::vector<std::string> lines;
  if (facts.is_read_only)
    lines.push_back(
        "the store's file system is read-only: nothing can be pulled or run; choose another one with --root");
  if (is_network(name))
    lines.push_back(
        base::concat("the store is on ", name,
                     ": no native overlay, subordinate ids may be refused, and locks hold on one host only; "
                     "choose a local folder with --root"));
  if (name == "overlay")
    lines.push_back("the store is on an overlay, on which another overlay cannot write; a volume or tmpfs is faster");
  if (has_no_owners(name))
    lines.push_back(base::concat("the store is on ", name,
                                 ", which knows no owners, modes and links: images cannot be "
                                 "unpacked; choose another folder with --root"));
  if (!facts.has_user_xattrs && !has_no_owners(name))
    lines.push_back("the store's file system has no user extended attributes: no native overlay for ordinary users");
  if (!facts.has_exchange) lines.push_back("no RENAME_EXCHANGE: a layer is missing for a moment while it is repaired");
  if (!facts.has_no_replace) lines.push_back("no RENAME_NOREPLACE: things get their names by links and locks");
  return lines;
}

}  // namespace storage
