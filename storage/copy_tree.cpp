#include "storage/copy_tree.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <linux/fs.h>
#include <map>
#include <string>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/path_in_root.hpp"
#include "storage/copy_attributes.hpp"

namespace storage {

namespace {

/// Copies [offset, end), which holds data. Through the page cache, as copy_file_range is refused between some file
/// systems and gains nothing on those without reflink.
void copy_range(int source, int target, off_t offset, off_t end) {
  std::array<char, 128 * 1024> buffer;
  while (offset < end) {
    const auto wanted = std::min<std::size_t>(buffer.size(), static_cast<std::size_t>(end - offset));
    const ssize_t got = ::pread(source, buffer.data(), wanted, offset);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw base::os_error("reading");
    if (got == 0) throw base::make_error(base::ErrorKind::corrupt, "the file became shorter");
    if (::lseek(target, offset, SEEK_SET) < 0) throw base::os_error("seeking");
    base::write_all(target, {buffer.data(), static_cast<std::size_t>(got)});
    offset += got;
  }
}

std::uint64_t copy_regular_file(const TreeEntry& entry) {
  const base::UniqueFd source{
      ::openat(entry.source_dir, entry.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  if (!source) throw base::os_error("opening");
  const base::UniqueFd target{
      ::openat(entry.target_dir, entry.name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!target) throw base::os_error("creating");
  std::uint64_t copied = 0;
  if (entry.info.st_size > 0 && ::ioctl(target.get(), FICLONE, source.get()) != 0) {
    copied = copy_data(source.get(), target.get(), entry.info.st_size);
  }
  copy_attributes(source.get(), target.get(), entry.info);
  return copied;
}

void copy_symbolic_link(const TreeEntry& entry) {
  std::array<char, 4096> text;  // PATH_MAX; the kernel makes no longer ones
  const ssize_t size = ::readlinkat(entry.source_dir, entry.name.c_str(), text.data(), text.size());
  if (size < 0 || size == static_cast<ssize_t>(text.size())) throw base::os_error("reading the link");
  const std::string content{text.data(), static_cast<std::size_t>(size)};
  if (::symlinkat(content.c_str(), entry.target_dir, entry.name.c_str()) != 0) throw base::os_error("making the link");
  set_attributes_by_name(entry.target_dir, entry.name, entry.info);
}

void copy_special_file(const TreeEntry& entry) {
  const mode_t mode = (entry.info.st_mode & S_IFMT) | 0600;
  if (::mknodat(entry.target_dir, entry.name.c_str(), mode, entry.info.st_rdev) != 0) {
    throw base::os_error("making the special file");
  }
  set_attributes_by_name(entry.target_dir, entry.name, entry.info);
}

class Copier final : public TreeVisitor {
 public:
  explicit Copier(int target_root) : target_root_(target_root) {}

  bool visit(const TreeEntry& entry) override {
    if (S_ISDIR(entry.info.st_mode)) {
      if (::mkdirat(entry.target_dir, entry.name.c_str(), 0700) != 0) {
        throw base::os_error("making the directory ", base::quoted(entry.name));
      }
      return true;
    }
    if (!link_to_earlier_copy(entry)) copied_bytes_ += copy_entry(entry);
    return false;
  }

  void leave(int source_dir, int target_dir) override {
    struct stat info {};
    if (::fstat(source_dir, &info) != 0) throw base::os_error("looking at a directory");
    copy_attributes(source_dir, target_dir, info);
  }

  std::uint64_t copied_bytes() const { return copied_bytes_; }

 private:
  struct Place {
    std::string directory;
    std::string name;
  };

  /// Every file of a merged tree has two links at least (one in its layer), so the count alone says nothing: the first
  /// copy of each inode is remembered.
  bool link_to_earlier_copy(const TreeEntry& entry) {
    if (entry.info.st_nlink < 2) return false;
    const auto [earlier, is_new] =
        copies_.try_emplace({entry.info.st_dev, entry.info.st_ino}, Place{entry.path, entry.name});
    if (is_new) return false;
    const Place& place = earlier->second;
    const base::UniqueFd dir = base::open_beneath(target_root_, place.directory.empty() ? "." : place.directory,
                                                  O_PATH | O_DIRECTORY | O_NOFOLLOW);
    if (::linkat(dir.get(), place.name.c_str(), entry.target_dir, entry.name.c_str(), 0) != 0) {
      throw base::os_error("linking ", base::quoted(entry.name));
    }
    return true;
  }

  int target_root_;
  std::uint64_t copied_bytes_ = 0;
  std::map<std::pair<dev_t, ino_t>, Place> copies_;
};

}  // namespace

// Source: lseek(2) "Seeking file data and holes".
std::uint64_t copy_data(int source, int target, off_t size) {
  std::uint64_t copied = 0;
  for (off_t offset = 0; offset < size;) {
    off_t data = ::lseek(source, offset, SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;           // only a hole follows
    if (data < 0 && errno == EINVAL) data = offset;  // the file system does not tell
    if (data < 0) throw base::os_error("looking for data");
    off_t hole = ::lseek(source, data, SEEK_HOLE);
    if (hole < 0 || hole > size) hole = size;
    copy_range(source, target, data, hole);
    copied += static_cast<std::uint64_t>(hole - data);
    offset = hole;
  }
  if (::ftruncate(target, size) != 0) throw base::os_error("setting the size");
  return copied;
}

std::uint64_t copy_entry(const TreeEntry& entry) {
  return base::with_context(
      [&]() -> std::uint64_t {
        if (S_ISREG(entry.info.st_mode)) return copy_regular_file(entry);
        if (S_ISLNK(entry.info.st_mode)) {
          copy_symbolic_link(entry);
        } else {
          copy_special_file(entry);
        }
        return 0;
      },
      "copying ", base::quoted(entry.path.empty() ? entry.name : base::concat(entry.path, "/", entry.name)));
}

std::uint64_t copy_tree(int source, int target) {
  Copier copier{target};
  walk_trees(source, target, copier);
  return copier.copied_bytes();
}

}  // namespace storage
