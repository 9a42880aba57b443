#include "base/mount_classic.hpp"

#include <algorithm>
#include <fcntl.h>
#include <iterator>
#include <linux/magic.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/text.hpp"

namespace base::classic {
namespace {

constexpr const char* scratch = "/proc/fs";
constexpr std::size_t max_mountinfo_bytes = 16 * 1024 * 1024;
constexpr std::size_t max_fdinfo_bytes = 4096;
constexpr unsigned long no_symlinks = 256;             // MS_NOSYMFOLLOW, not in glibc 2.36
constexpr unsigned long statvfs_no_symlinks = 0x2000;  // ST_NOSYMFOLLOW
constexpr unsigned long statvfs_relatime = 0x1000;     // ST_RELATIME

struct Flag {
  std::uint64_t attribute;  ///< MOUNT_ATTR_*
  unsigned long flag;       ///< MS_*
  unsigned long statvfs;    ///< As statvfs(3) shows it.
};

constexpr Flag flags[] = {
    {MOUNT_ATTR_RDONLY, MS_RDONLY, ST_RDONLY},
    {MOUNT_ATTR_NOSUID, MS_NOSUID, ST_NOSUID},
    {MOUNT_ATTR_NODEV, MS_NODEV, ST_NODEV},
    {MOUNT_ATTR_NOEXEC, MS_NOEXEC, ST_NOEXEC},
    {MOUNT_ATTR_NODIRATIME, MS_NODIRATIME, ST_NODIRATIME},
    {MOUNT_ATTR_NOSYMFOLLOW, no_symlinks, statvfs_no_symlinks},
};

struct SuperblockFlag {
  std::string_view name;
  unsigned long flag;  ///< 0: the default.
};

constexpr SuperblockFlag superblock_flags[] = {
    {"sync", MS_SYNCHRONOUS}, {"async", 0},  {"dirsync", MS_DIRSYNC}, {"lazytime", MS_LAZYTIME},  {"nolazytime", 0},
    {"mand", MS_MANDLOCK},    {"nomand", 0}, {"ro", MS_RDONLY},       {"iversion", MS_I_VERSION}, {"noiversion", 0},
};

std::string link_of(int fd) {
  return concat("/proc/self/fd/", fd);
}

void call_mount(const std::string& source, const std::string& target, const std::string& type, unsigned long mode,
                const std::string& data, std::string_view doing) {
  if (::mount(source.c_str(), target.c_str(), type.c_str(), mode, data.c_str()) != 0)
    throw os_error(doing, " by mount(2)");
}

void prepare_scratch() {
  struct statfs status {};
  if (::statfs(scratch, &status) != 0) throw os_error("examining ", quoted(scratch));
  if (status.f_type != TMPFS_MAGIC) call_mount("engine", scratch, "tmpfs", 0, "mode=0700", "making a place for mounts");
}

/// A new empty directory or file to mount on.
std::string make_place(bool is_directory) {
  prepare_scratch();
  for (unsigned number = 0;; ++number) {
    std::string place = concat(scratch, "/", number);
    const int result = is_directory ? ::mkdir(place.c_str(), 0700) : ::mknod(place.c_str(), S_IFREG | 0600, 0);
    if (result == 0) return place;
    if (errno != EEXIST) throw os_error("making ", quoted(place));
  }
}

UniqueFd open_place(const std::string& place) {
  UniqueFd fd{::open(place.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) throw os_error("opening ", quoted(place));
  return fd;
}

unsigned long flags_of(std::uint64_t attributes) {
  unsigned long result = 0;
  for (const Flag& flag : flags)
    if ((attributes & flag.attribute) != 0) result |= flag.flag;
  switch (attributes & MOUNT_ATTR__ATIME) {
    case MOUNT_ATTR_NOATIME:
      return result | MS_NOATIME;
    case MOUNT_ATTR_STRICTATIME:
      return result | MS_STRICTATIME;
    default:
      return result | MS_RELATIME;
  }
}

/// MOUNT_ATTR_* that a mount has: mount(2) replaces all of them at once.
std::uint64_t attributes_of(int mount) {
  struct statvfs status {};
  if (::fstatvfs(mount, &status) != 0) throw os_error("asking for the flags of a mount");
  std::uint64_t result = 0;
  for (const Flag& flag : flags)
    if ((status.f_flag & flag.statvfs) != 0) result |= flag.attribute;
  if ((status.f_flag & ST_NOATIME) != 0) return result | MOUNT_ATTR_NOATIME;
  return (status.f_flag & statvfs_relatime) != 0 ? result : result | MOUNT_ATTR_STRICTATIME;
}

void set_attributes_of_one(int mount, std::uint64_t set, std::uint64_t clear) {
  const std::uint64_t wanted = (attributes_of(mount) & ~clear) | set;
  call_mount("", link_of(mount), "", MS_REMOUNT | MS_BIND | flags_of(wanted), "", "setting mount attributes");
}

std::uint64_t mount_id_of(int fd) {
  const std::string info = read_file(AT_FDCWD, concat("/proc/self/fdinfo/", fd), max_fdinfo_bytes);
  for (const std::string_view line : split(info, '\n'))
    if (line.starts_with("mnt_id:"))
      if (const auto id = parse_unsigned(trim(line.substr(7)))) return *id;
  throw make_error(ErrorKind::internal, "the kernel does not tell which mount a descriptor is of");
}

/// A mount below `mount`, opened by its path; another mount there, as a race may make it, is refused.
UniqueFd open_below(int mount, const std::string& top, const MountLine& line) {
  std::string relative = line.place.substr(top == "/" ? 0 : top.size());
  UniqueFd fd{::openat(mount, concat(".", relative).c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) throw os_error("opening the mount on ", quoted(line.place));
  if (mount_id_of(fd.get()) != line.id)
    throw make_error(ErrorKind::internal, "the mount on ", quoted(line.place), " is not reached by its name");
  return fd;
}

std::string undo_escapes(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 3 >= text.size()) {
      result.push_back(text[i]);
      continue;
    }
    result.push_back(static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0')));
    i += 3;
  }
  return result;
}

}  // namespace

UniqueFd bind(int at, const std::string& path, bool recursive) {
  std::string source = path;
  if (path.empty())
    source = link_of(at);
  else if (at != AT_FDCWD && path.front() != '/')
    source = concat(link_of(at), "/", path);
  struct stat status {};
  if (::stat(source.c_str(), &status) != 0) throw os_error("examining ", quoted(path));
  const std::string place = make_place(S_ISDIR(status.st_mode));
  call_mount(source, place, "", recursive ? MS_BIND | MS_REC : MS_BIND, "",
             concat("copying the mount at ", quoted(path)));
  return open_place(place);
}

UniqueFd make(const std::string& type, const std::vector<std::pair<std::string, std::string>>& options,
              std::uint64_t attributes) {
  unsigned long mode = flags_of(attributes);
  std::string source = "none", data;
  for (const auto& [key, value] : options) {
    const auto* flag = std::find_if(std::begin(superblock_flags), std::end(superblock_flags),
                                    [&, &name = key](const SuperblockFlag& entry) { return entry.name == name; });
    if (key == "source")
      source = value;
    else if (value.empty() && flag != std::end(superblock_flags))
      mode |= flag->flag;
    else
      data += concat(data.empty() ? "" : ",", key, value.empty() ? "" : "=", value);
  }
  const std::string place = make_place(true);
  call_mount(source, place, type, mode, data, concat("making a mount of type ", quoted(type)));
  return open_place(place);
}

void move(int mount, int target) {
  call_mount(link_of(mount), link_of(target), "", MS_MOVE, "", "attaching a mount");
}

void set_attributes(int mount, std::uint64_t set, std::uint64_t clear, bool recursive) {
  set_attributes_of_one(mount, set, clear);
  if (!recursive) return;
  const auto mounts = parse_mountinfo(read_file(AT_FDCWD, "/proc/self/mountinfo", max_mountinfo_bytes));
  const std::vector<MountLine> tree = subtree_of(mounts, mount_id_of(mount));
  for (const MountLine& line : tree)
    if (line.id != tree.front().id)
      set_attributes_of_one(open_below(mount, tree.front().place, line).get(), set, clear);
}

void set_propagation(int mount, std::uint64_t propagation, bool recursive) {
  const unsigned long mode = recursive ? propagation | MS_REC : propagation;
  call_mount("", link_of(mount), "", mode, "", "setting mount propagation");
}

std::vector<MountLine> parse_mountinfo(std::string_view text) {
  std::vector<MountLine> mounts;
  for (const std::string_view line : split(text, '\n')) {
    const auto fields = split(line, ' ');  // id parent major:minor root mount-point options …
    if (fields.size() < 6) continue;
    const auto id = parse_unsigned(fields[0]), parent = parse_unsigned(fields[1]);
    if (id && parent) mounts.push_back({*id, *parent, undo_escapes(fields[4])});
  }
  return mounts;
}

std::vector<MountLine> subtree_of(const std::vector<MountLine>& mounts, std::uint64_t id) {
  std::vector<MountLine> tree;
  for (const MountLine& line : mounts)
    if (line.id == id) tree.push_back(line);
  for (std::size_t next = 0; next < tree.size(); ++next)
    for (const MountLine& line : mounts)
      if (line.parent == tree[next].id && line.id != line.parent) tree.push_back(line);
  return tree;
}

}  // namespace base::classic
