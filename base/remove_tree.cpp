// remove_tree and disk_usage of base/fs.hpp: walks of trees that strangers shaped. Depth is bounded by memory only, not
// by the stack or the number of descriptors.
#include <array>
#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <set>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/path_walk.hpp"

namespace base {
namespace {

constexpr std::size_t max_open_levels = 64;
constexpr int max_passes = 8;  // over a directory that somebody else keeps filling

struct Identity {
  dev_t device;
  ino_t inode;
  auto operator<=>(const Identity&) const = default;
};

/// One directory on the way down. Its descriptor may be closed while the walk is deep below it.
struct Level {
  UniqueFd fd;
  Identity identity;
  std::string name;                   ///< In its parent.
  std::vector<std::string> children;  ///< Sub-directories still to be visited.
  int passes = 0;
};

class Descent {
 public:
  bool is_empty() const { return levels_.empty(); }
  Level& top() { return levels_.back(); }

  void push(Level level) {
    if (levels_.size() >= max_open_levels) levels_[levels_.size() - max_open_levels].fd.reset();
    levels_.push_back(std::move(level));
  }

  /// Goes up one level. The parent is reached by ".." when it was closed, and must be the same directory as before.
  Level pop() {
    Level child = std::move(levels_.back());
    levels_.pop_back();
    if (levels_.empty() || levels_.back().fd) return child;
    Level& parent = levels_.back();
    UniqueFd fd{::openat(child.fd.get(), "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    struct stat status {};
    if (!fd || ::fstat(fd.get(), &status) != 0) throw os_error("going back to directory ", quoted(path()));
    if (Identity{status.st_dev, status.st_ino} != parent.identity)
      throw make_error(ErrorKind::in_use, "directory ", quoted(path()), " was moved while it was walked");
    parent.fd = std::move(fd);
    return child;
  }

  /// For messages: from the top of the tree to `name` in the current directory.
  std::string path(std::string_view name = {}) const {
    std::string text;
    for (const Level& level : levels_) text += (text.empty() ? "" : "/") + level.name;
    if (!name.empty()) text += (text.empty() ? "" : "/") + std::string{name};
    return text;
  }

 private:
  std::vector<Level> levels_;
};

/// Opens one component, no link, no other mount (not even a bind mount of the same file system).
UniqueFd open_child(int parent, const char* name, std::uint64_t flags) {
  const open_how how{.flags = flags | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC,
                     .mode = 0,
                     .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV};
  long fd = -1;
  do {
    fd = ::syscall(SYS_openat2, parent, name, &how, sizeof how);
  } while (fd < 0 && errno == EAGAIN);
  if (fd < 0 && errno == ENOSYS) return walk_path(parent, name, static_cast<int>(how.flags), 0, how.resolve);
  return UniqueFd{static_cast<int>(fd)};
}

/// chmod of what an O_PATH descriptor names: fchmodat2 of Linux 6.6, before that through /proc.
bool change_mode_by_path_fd(int fd, mode_t mode) {
  constexpr long sys_fchmodat2 = 452;
  if (::syscall(sys_fchmodat2, fd, "", mode, AT_EMPTY_PATH) == 0) return true;
  return errno == ENOSYS && ::chmod(concat("/proc/self/fd/", fd).c_str(), mode) == 0;
}

bool is_mount_root(int fd) {
  struct statx status {};
  return ::statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, 0, &status) == 0 &&
         (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

/// Calls `visit(name, d_type)` for each entry, as the kernel hands them out.
template <class Visit>
void for_each_entry(int directory, Visit&& visit) {
  alignas(dirent64) std::array<char, 32 * 1024> buffer;
  for (;;) {
    const ssize_t size = ::getdents64(directory, buffer.data(), buffer.size());
    if (size < 0 && errno == ENOENT) return;  // another process removed this very directory
    if (size < 0) throw os_error("reading");
    if (size == 0) return;
    for (ssize_t offset = 0; offset < size;) {
      const auto* entry = reinterpret_cast<const dirent64*>(buffer.data() + offset);
      offset += entry->d_reclen;
      const std::string_view name = entry->d_name;
      if (name != "." && name != "..") visit(entry->d_name, entry->d_type);
    }
  }
}

class Removal {
 public:
  explicit Removal(int at) : at_(at) {}

  void run(const std::string& path) {
    if (unlink_or_is_directory(at_, path.c_str())) enter(at_, path.c_str());
    while (!descent_.is_empty()) {
      Level& level = descent_.top();
      if (level.children.empty()) {
        leave();
        continue;
      }
      const std::string child = std::move(level.children.back());
      level.children.pop_back();
      enter(level.fd.get(), child.c_str());
    }
  }

 private:
  /// Removes a file, or says that `name` is a directory. Absent is as good as removed.
  bool unlink_or_is_directory(int parent, const char* name) {
    if (::unlinkat(parent, name, 0) == 0 || errno == ENOENT) return false;
    if (errno == EISDIR) return true;
    throw os_error("removing ", quoted(descent_.path(name)));
  }

  /// Empty when it is gone. Directories that we own are made usable first.
  UniqueFd open_for_removal(int parent, const char* name) {
    const bool is_top = descent_.is_empty();
    UniqueFd fd = is_top ? UniqueFd{::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)}
                         : open_child(parent, name, O_RDONLY);
    if (!fd && errno == EACCES) {
      const UniqueFd path_fd = is_top ? UniqueFd{::openat(parent, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)}
                                      : open_child(parent, name, O_PATH);
      if (path_fd && change_mode_by_path_fd(path_fd.get(), S_IRWXU))
        fd = UniqueFd{::openat(path_fd.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    }
    if (!fd && errno == ENOENT) return {};
    if (!fd && errno == EXDEV) throw_is_mount(name);
    if (!fd) throw os_error("removing ", quoted(descent_.path(name)));
    if (is_top && is_mount_root(fd.get())) throw_is_mount(name);
    return fd;
  }

  [[noreturn]] void throw_is_mount(const char* name) const {
    throw make_error(ErrorKind::in_use, "removing ", quoted(descent_.path(name)), ": something is mounted there");
  }

  void enter(int parent, const char* name) {
    UniqueFd fd = open_for_removal(parent, name);
    if (!fd) return;
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) throw os_error("looking at ", quoted(descent_.path(name)));
    // Failure is not reported here: with CAP_DAC_OVERRIDE the bits do not matter, else the next call says EACCES.
    if ((status.st_mode & S_IRWXU) != S_IRWXU) [[maybe_unused]]
      const int ignored = ::fchmod(fd.get(), S_IRWXU);
    descent_.push({std::move(fd), {status.st_dev, status.st_ino}, name, {}, 0});
    empty_out();
  }

  /// Unlinks what is no directory; notes the directories.
  void empty_out() {
    Level& level = descent_.top();
    ++level.passes;
    for_each_entry(level.fd.get(), [&](const char* name, unsigned char type) {
      if (type == DT_DIR || unlink_or_is_directory(level.fd.get(), name)) level.children.emplace_back(name);
    });
  }

  void leave() {
    Level child = descent_.pop();
    const int parent = descent_.is_empty() ? at_ : descent_.top().fd.get();
    if (::unlinkat(parent, child.name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT) return;
    const bool again = errno == ENOTEMPTY && child.passes < max_passes;
    if (!again || ::lseek(child.fd.get(), 0, SEEK_SET) != 0)
      throw os_error("removing ", quoted(descent_.path(child.name)));
    descent_.push(std::move(child));
    empty_out();
  }

  int at_;
  Descent descent_;
};

}  // namespace

void remove_tree(int at, const std::string& path) {
  Removal{at}.run(path);
}

std::uint64_t disk_usage(int at, const std::string& path) {
  Descent descent;
  std::set<Identity> counted_links;
  std::uint64_t blocks = 0;
  const auto count = [&](int parent, const std::string& name) {
    struct stat status {};
    if (::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) return;  // gone meanwhile
    const bool is_directory = S_ISDIR(status.st_mode);
    const Identity identity{status.st_dev, status.st_ino};
    if (is_directory || status.st_nlink == 1 || counted_links.insert(identity).second)
      blocks += static_cast<std::uint64_t>(status.st_blocks);
    if (!is_directory) return;
    UniqueFd fd = descent.is_empty() ? UniqueFd{::openat(parent, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)}
                                     : open_child(parent, name.c_str(), O_RDONLY);
    if (fd) descent.push({std::move(fd), identity, name, {}, 0});
  };
  count(at, path);
  while (!descent.is_empty()) {
    Level& level = descent.top();
    if (level.passes++ == 0)
      for_each_entry(level.fd.get(), [&](const char* name, unsigned char) { level.children.emplace_back(name); });
    if (level.children.empty()) {
      descent.pop();
      continue;
    }
    const std::string child = std::move(level.children.back());
    level.children.pop_back();
    count(level.fd.get(), child);
  }
  return blocks * 512;  // st_blocks counts in this unit, whatever the file system; stat(2)
}

}  // namespace base
