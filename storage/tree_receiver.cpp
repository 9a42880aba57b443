#include <algorithm>
#include <array>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/path_in_root.hpp"
#include "base/text.hpp"
#include "storage/tree_stream.hpp"

// TreeReceiver of tree_stream.hpp.

namespace storage {

/// A directory that entries are written to; its mode and time come last.
struct TreeReceiver::Open {
  std::string path;
  base::UniqueFd fd;
  bool has_attributes = false;
  StreamedEntry attributes;
};

namespace {

using base::ErrorKind;
using base::make_error;
using base::quoted;

constexpr std::size_t piece_bytes = 16UL << 20;
constexpr std::uint64_t least_sparse_bytes = 64UL * 1024;  // holes of less are not worth looking for

std::vector<std::string> components_of(const std::string& path) {
  std::vector<std::string> components;
  for (const std::string_view one : base::split(path, '/')) {
    if (one.empty() || one == ".") continue;
    if (one == "..") throw make_error(ErrorKind::corrupt, quoted(path), " leads upwards");
    components.emplace_back(one);
  }
  return components;
}

base::UniqueFd open_child(int dir, const std::string& name) {
  return base::UniqueFd{::openat(dir, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
}

std::array<timespec, 2> times_of(const StreamedEntry& entry) {
  const timespec time{static_cast<time_t>(entry.mtime_seconds), static_cast<long>(entry.mtime_nanoseconds)};
  return {time, time};
}

}  // namespace

TreeReceiver::TreeReceiver(int dir, std::string name, ReceiveOptions options)
    : dir_(dir), name_(std::move(name)), options_(std::move(options)) {}

TreeReceiver::~TreeReceiver() = default;

void TreeReceiver::put(const StreamedEntry& entry, int content) {
  base::with_context(
      [&] {
        std::vector<std::string> components = components_of(entry.path);
        if (components.empty() && !name_.empty() && entry.type != 'd') {
          entry.type == 'f' ? make_file(dir_, name_, entry, content) : make_other(dir_, name_, entry);
          return;
        }
        if (entry.type == 'd') return make_directory(entry);
        if (components.empty()) throw make_error(ErrorKind::corrupt, "a file would replace the directory itself");
        const std::string name = std::move(components.back());
        components.pop_back();
        const int dir = open_parent(base::join(components, "/"));
        entry.type == 'f' ? make_file(dir, name, entry, content) : make_other(dir, name, entry);
      },
      "writing ", quoted(entry.path.empty() ? name_ : entry.path));
}

void TreeReceiver::finish() {
  while (!open_.empty()) leave();
}

/// Closes what `path` is not below, and opens or makes what is missing.
int TreeReceiver::open_parent(const std::string& path) {
  if (open_.empty()) {
    auto root = std::make_unique<Open>();
    if (name_.empty()) {
      root->fd = base::open_directory(dir_, ".");
    } else {
      root->fd = open_child(dir_, name_);
      if (!root->fd) {
        make_room(dir_, name_, true);
        if (::mkdirat(dir_, name_.c_str(), 0755) != 0 && errno != EEXIST) throw base::os_error("making the directory");
        root->fd = base::open_directory(dir_, name_);
      }
    }
    open_.push_back(std::move(root));
  }
  const auto covers = [&](const std::string& above) {
    return above.empty() || path == above || path.starts_with(above + "/");
  };
  while (!covers(open_.back()->path)) leave();
  const std::size_t known = open_.back()->path.size();
  for (const std::string& component : components_of(path.substr(known))) enter(component);
  return open_.back()->fd.get();
}

void TreeReceiver::enter(const std::string& component) {
  const Open& above = *open_.back();
  auto next = std::make_unique<Open>();
  next->path = above.path.empty() ? component : base::concat(above.path, "/", component);
  next->fd = open_child(above.fd.get(), component);
  if (!next->fd && errno != ENOENT && options_.root >= 0)  // lib -> usr/lib, as the container itself would see it
    next->fd = base::try_open_in_root(options_.root, base::concat(options_.base_path, "/", next->path),
                                      O_RDONLY | O_DIRECTORY);
  if (!next->fd) {
    make_room(above.fd.get(), component, true);
    if (::mkdirat(above.fd.get(), component.c_str(), 0755) != 0 && errno != EEXIST)
      throw base::os_error("making the directory ", quoted(component));
    next->fd = open_child(above.fd.get(), component);
    if (!next->fd) throw base::os_error("opening the directory ", quoted(component));
    if (options_.set_owner && !options_.keep_owner && ::fchown(next->fd.get(), options_.uid, options_.gid) != 0)
      throw base::os_error("giving the directory ", quoted(component), " its owner");
  }
  open_.push_back(std::move(next));
}

void TreeReceiver::leave() {
  const std::unique_ptr<Open> last = std::move(open_.back());
  open_.pop_back();
  if (last->has_attributes) set_attributes(-1, last->path, last->fd.get(), last->attributes);
}

void TreeReceiver::make_directory(const StreamedEntry& entry) {
  open_parent(base::join(components_of(entry.path), "/"));
  Open& open = *open_.back();
  // What the destination is already keeps its own attributes.
  open.has_attributes = !open.path.empty() || !name_.empty();
  open.attributes = entry;
}

/// Removes what an entry takes the place of; a directory stays where one is wanted.
void TreeReceiver::make_room(int dir, const std::string& name, bool for_directory) const {
  struct stat info {};
  if (::fstatat(dir, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return;
    throw base::os_error("looking at ", quoted(name));
  }
  const bool is_directory = S_ISDIR(info.st_mode);
  if (is_directory && for_directory) return;
  if (is_directory != for_directory && !options_.overwrite)
    throw make_error(ErrorKind::already_exists, quoted(name), is_directory ? " is a directory" : " is no directory",
                     " there")
        .with_hint("--overwrite replaces it");
  if (is_directory) return base::remove_tree(dir, name);
  if (::unlinkat(dir, name.c_str(), 0) != 0 && errno != ENOENT && errno != EBUSY)
    throw base::os_error("replacing ", quoted(name));
}

/// In the kernel where it can: between files of one file system by copy_file_range, else by sendfile.
/// `size` bytes at most, though the file may grow meanwhile; a pipe has exactly that many.
void TreeReceiver::copy_content(int from, int to, std::uint64_t size) {
  while (size > 0) {
    const std::size_t wanted = std::min<std::uint64_t>(size, piece_bytes);
    ssize_t got = may_copy_range_ ? ::copy_file_range(from, nullptr, to, nullptr, wanted, 0) : -1;
    if (got < 0) {
      may_copy_range_ = false;
      got = ::sendfile(to, from, nullptr, wanted);
    }
    if (got < 0 && errno == EINVAL) got = ::splice(from, nullptr, to, nullptr, wanted, 0);  // from a pipe
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw base::os_error("copying the content");
    if (got == 0) return;  // it became shorter
    size -= static_cast<std::uint64_t>(got);
  }
}

/// With the holes that it has; a pipe has none.
void TreeReceiver::copy_file(int from, int to, std::uint64_t size) {
  if (size < least_sparse_bytes) return copy_content(from, to, size);
  struct stat info {};
  // What a FUSE server shows can be read, but not looked at, from outside of its user namespace.
  if (::fstat(from, &info) != 0) return copy_content(from, to, size);
  const auto end = static_cast<off_t>(size);
  if (!S_ISREG(info.st_mode) || info.st_blocks * 512 >= end) return copy_content(from, to, size);
  for (off_t offset = 0; offset < end;) {
    const off_t data = ::lseek(from, offset, SEEK_DATA);
    if (data < 0 || data >= end) break;
    const off_t hole = std::min(::lseek(from, data, SEEK_HOLE), end);
    if (hole <= data || ::lseek(from, data, SEEK_SET) < 0 || ::lseek(to, data, SEEK_SET) < 0) break;
    copy_content(from, to, static_cast<std::uint64_t>(hole - data));
    offset = hole;
  }
  if (::ftruncate(to, end) != 0) throw base::os_error("setting the size");
}

/// In the place of what is there.
base::UniqueFd TreeReceiver::create_file(int dir, const std::string& name) const {
  constexpr int flags = O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
  base::UniqueFd file{::openat(dir, name.c_str(), flags | O_CREAT | O_EXCL, 0600)};
  if (!file && errno == EEXIST) {
    make_room(dir, name, false);
    file = base::UniqueFd{::openat(dir, name.c_str(), flags | O_CREAT | O_EXCL, 0600)};
  }
  if (!file && errno == EEXIST) {
    // A mount of its own, such as /etc/hosts: its content is replaced. Never a device.
    const base::UniqueFd place{::openat(dir, name.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC)};
    struct stat info {};
    if (!place || ::fstat(place.get(), &info) != 0) throw base::os_error("opening");
    if (!S_ISREG(info.st_mode)) throw make_error(ErrorKind::in_use, "something is mounted there");
    file = base::UniqueFd{
        ::open(base::concat("/proc/self/fd/", place.get()).c_str(), O_WRONLY | O_TRUNC | O_NONBLOCK | O_CLOEXEC)};
  }
  if (!file) throw base::os_error("creating");
  return file;
}

void TreeReceiver::make_file(int dir, const std::string& name, const StreamedEntry& entry, int content) {
  const base::UniqueFd file = create_file(dir, name);
  copy_file(content, file.get(), entry.size);
  set_attributes(-1, name, file.get(), entry);
}

base::UniqueFd TreeReceiver::open_known_directory(const std::string& path) const {
  if (!name_.empty()) {
    const base::UniqueFd root = base::open_directory(dir_, name_);
    return base::open_beneath(root.get(), path.empty() ? "." : path, O_RDONLY | O_DIRECTORY);
  }
  return base::open_beneath(dir_, path.empty() ? "." : path, O_RDONLY | O_DIRECTORY);
}

void TreeReceiver::make_other(int dir, const std::string& name, const StreamedEntry& entry) {
  make_room(dir, name, false);
  if (entry.type == 'h') {
    std::vector<std::string> target = components_of(entry.link);
    if (target.empty()) throw make_error(ErrorKind::corrupt, "a hard link to nothing");
    const std::string target_name = std::move(target.back());
    target.pop_back();
    const base::UniqueFd target_dir = open_known_directory(base::join(target, "/"));
    if (::linkat(target_dir.get(), target_name.c_str(), dir, name.c_str(), 0) != 0)
      throw base::os_error("linking to ", quoted(entry.link));
    return;
  }
  const int result = entry.type == 'l' ? ::symlinkat(entry.link.c_str(), dir, name.c_str())
                                       : ::mknodat(dir, name.c_str(), S_IFIFO | 0600, 0);
  if (result != 0) throw base::os_error("creating");
  set_attributes(dir, name, -1, entry);
}

/// Of what is open, or else of what was just made under this name, which is never followed.
void TreeReceiver::set_attributes(int dir, const std::string& name, int fd, const StreamedEntry& entry) const {
  const bool is_open = fd >= 0;
  const int at = is_open ? fd : dir;
  const char* const path = is_open ? "" : name.c_str();
  const int flags = is_open ? AT_EMPTY_PATH : AT_SYMLINK_NOFOLLOW;
  const uid_t uid = options_.keep_owner ? entry.uid : options_.uid;
  const gid_t gid = options_.keep_owner ? entry.gid : options_.gid;
  if (options_.set_owner && ::fchownat(at, path, uid, gid, flags) != 0)
    throw base::os_error("giving ", quoted(name), " to ", uid, ":", gid);
  if (is_open) {
    for (const auto& [attribute, value] : entry.xattrs)
      if (attribute.starts_with("user.") || (attribute == "security.capability" && options_.set_owner))
        ::fsetxattr(fd, attribute.c_str(), value.data(), value.size(), 0);
    if (::fchmod(fd, entry.mode & 07777) != 0) throw base::os_error("setting the mode of ", quoted(name));
    if (::futimens(fd, times_of(entry).data()) != 0) throw base::os_error("setting the time of ", quoted(name));
  } else if (::utimensat(dir, name.c_str(), times_of(entry).data(), AT_SYMLINK_NOFOLLOW) != 0 && errno != ENOENT) {
    throw base::os_error("setting the time of ", quoted(name));
  }
}

}  // namespace storage
