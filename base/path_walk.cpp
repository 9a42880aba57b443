#include "base/path_walk.hpp"

#include <array>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <optional>
#include <string_view>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <vector>

namespace base {
namespace {

constexpr int max_links = 40;  // as the kernel's own MAXSYMLINKS
constexpr unsigned mount_id_mask = STATX_MNT_ID;

/// In procfs only these links are texts; all others jump to what the kernel means.
constexpr std::string_view plain_proc_links[] = {"self", "thread-self", "mounts", "net"};

UniqueFd failed(int code) {
  errno = code;
  return {};
}

/// Which mount a descriptor is of; nothing, with errno, where the kernel does not tell.
std::optional<std::uint64_t> mount_of(int fd) {
  struct statx status {};
  if (::statx(fd, "", AT_EMPTY_PATH | AT_NO_AUTOMOUNT, mount_id_mask, &status) != 0) return std::nullopt;
  if ((status.stx_mask & mount_id_mask) == 0) {
    errno = ENOSYS;
    return std::nullopt;
  }
  return status.stx_mnt_id;
}

class Walk {
 public:
  Walk(int root, int flags, mode_t mode, std::uint64_t resolve)
      : root_(root), flags_(flags | O_CLOEXEC), mode_(mode), resolve_(resolve) {}

  UniqueFd run(const std::string& path) {
    if (path.empty()) return failed(ENOENT);
    if (path.front() == '/' && !is_in_root()) return failed(EXDEV);
    if (is_one_mount()) {
      home_ = mount_of(root_);
      if (!home_) return {};
    }
    push(path);
    UniqueFd found;
    while (!found && !pending_.empty()) {
      std::string name = std::move(pending_.back());
      pending_.pop_back();
      if (!step(name, found)) return {};
    }
    return found ? std::move(found) : open_here();
  }

 private:
  bool is_in_root() const { return (resolve_ & RESOLVE_IN_ROOT) != 0; }
  bool is_one_mount() const { return (resolve_ & RESOLVE_NO_XDEV) != 0; }
  int here() const { return stack_.empty() ? root_ : stack_.back().get(); }

  /// The components of a path become the next ones; a slash at its end asks for a directory.
  void push(std::string_view path) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at <= path.size();) {
      const std::size_t end = std::min(path.find('/', at), path.size());
      const std::string_view part = path.substr(at, end - at);
      if (!part.empty() && part != ".") parts.emplace_back(part);
      at = end + 1;
    }
    const bool ends_in_folder = path.ends_with('/') || path.ends_with("/.");
    if (ends_in_folder && pending_.empty() && !parts.empty()) flags_ |= O_DIRECTORY;
    pending_.insert(pending_.end(), std::make_move_iterator(parts.rbegin()), std::make_move_iterator(parts.rend()));
  }

  bool step(const std::string& name, UniqueFd& found) {
    if (name == "..") return go_back();
    const bool is_last = pending_.empty();
    UniqueFd entry{::openat(here(), name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    if (!entry) {
      if (errno != ENOENT || !is_last || (flags_ & O_CREAT) == 0) return false;
      found = UniqueFd{::openat(here(), name.c_str(), flags_ | O_NOFOLLOW, mode_)};
      return static_cast<bool>(found);
    }
    struct stat status {};
    if (::fstat(entry.get(), &status) != 0) return false;
    const bool wants_link = is_last && (flags_ & O_NOFOLLOW) != 0;
    if (S_ISLNK(status.st_mode) && !wants_link) return follow(name, entry.get());
    if (!is_in_this_mount(entry.get())) return false;
    if (!is_last) {
      if (!S_ISDIR(status.st_mode)) return fail(ENOTDIR);
      stack_.push_back(std::move(entry));
      return true;
    }
    return open_last(name, std::move(entry), S_ISDIR(status.st_mode), found);
  }

  bool open_last(const std::string& name, UniqueFd entry, bool is_directory, UniqueFd& found) {
    if ((flags_ & O_DIRECTORY) != 0 && !is_directory) return fail(ENOTDIR);
    if ((flags_ & O_PATH) != 0) {
      found = std::move(entry);
      return true;
    }
    // A link that took its place meanwhile is refused by O_NOFOLLOW.
    found = UniqueFd{::openat(here(), name.c_str(), flags_ | O_NOFOLLOW, (flags_ & O_CREAT) != 0 ? mode_ : 0)};
    return found && is_in_this_mount(found.get());
  }

  bool go_back() {
    if (!stack_.empty()) {
      stack_.pop_back();
      return true;
    }
    return is_in_root() || fail(EXDEV);
  }

  bool follow(const std::string& name, int link) {
    if ((resolve_ & RESOLVE_NO_SYMLINKS) != 0 || ++links_ > max_links) return fail(ELOOP);
    struct statfs status {};
    if (::fstatfs(link, &status) != 0) return false;
    if (status.f_type == PROC_SUPER_MAGIC) {
      bool is_plain = false;
      for (const std::string_view plain : plain_proc_links) is_plain |= name == plain;
      if (!is_plain) return fail(ELOOP);
    }
    std::array<char, PATH_MAX> text;
    const ssize_t size = ::readlinkat(link, "", text.data(), text.size());
    if (size < 0) return false;
    if (size == 0) return fail(ENOENT);
    if (text[0] == '/') stack_.clear();
    push({text.data(), static_cast<std::size_t>(size)});
    return true;
  }

  bool is_in_this_mount(int fd) const {
    if (!is_one_mount()) return true;
    const auto mount = mount_of(fd);
    return mount && (mount == home_ || fail(EXDEV));
  }

  static bool fail(int code) {
    errno = code;
    return false;
  }

  /// The path named the root, or ended in "..".
  UniqueFd open_here() const { return UniqueFd{::openat(here(), ".", flags_, mode_)}; }

  int root_;
  int flags_;
  mode_t mode_;
  std::uint64_t resolve_;
  std::vector<UniqueFd> stack_;       ///< The directories we came through, below the root.
  std::vector<std::string> pending_;  ///< Components still to go, the next one last.
  std::optional<std::uint64_t> home_;
  int links_ = 0;
};

}  // namespace

UniqueFd walk_path(int root, const std::string& path, int flags, mode_t mode, std::uint64_t resolve) {
  return Walk{root, flags, mode, resolve}.run(path);
}

}  // namespace base
