#include "storage/pack_tree.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <map>
#include <memory>
#include <optional>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/fs.hpp"
#include "storage/pack_tar.hpp"
#include "storage/tree_walk.hpp"

namespace storage {

namespace {

constexpr std::size_t copy_buffer_bytes = 128 * 1024;
constexpr std::size_t max_attribute_bytes = 64 * 1024;  // XATTR_LIST_MAX and XATTR_SIZE_MAX
constexpr std::size_t max_spans = 64 * 1024;            // more holes than our reader takes: the file is packed whole

/// What belongs to the file and not to the host it lies on.
bool is_packed_attribute(std::string_view name) {
  if (name.starts_with("user.overlay.") || name.starts_with("user.fuseoverlayfs.")) return false;
  return name.starts_with("user.") || name == "security.capability" || name.starts_with("system.posix_acl_");
}

std::vector<std::pair<std::string, std::string>> read_attributes(int fd) {
  std::vector<std::pair<std::string, std::string>> attributes;
  std::string names(max_attribute_bytes, '\0');
  const ssize_t size = ::flistxattr(fd, names.data(), names.size());
  if (size < 0 && errno != EOPNOTSUPP) throw base::os_error("listing attributes");
  for (std::size_t start = 0; size > 0 && start < static_cast<std::size_t>(size);) {
    const char* const name = names.c_str() + start;
    start += std::string_view{name}.size() + 1;
    if (!is_packed_attribute(name)) continue;
    std::string value(max_attribute_bytes, '\0');
    const ssize_t got = ::fgetxattr(fd, name, value.data(), value.size());
    if (got < 0 && errno == ENODATA) continue;  // taken away meanwhile
    if (got < 0) throw base::os_error("reading the attribute ", base::quoted(name));
    value.resize(static_cast<std::size_t>(got));
    attributes.emplace_back(name, std::move(value));
  }
  std::sort(attributes.begin(), attributes.end());
  return attributes;
}

/// Where a file has data; nothing when it has no holes, more than can be told, or the file system does not say.
/// Source: lseek(2) "Seeking file data and holes".
std::vector<tar::PackedSpan> find_spans(int file, off_t size) {
  std::vector<tar::PackedSpan> spans;
  for (off_t offset = 0; offset < size;) {
    const off_t data = ::lseek(file, offset, SEEK_DATA);
    if (data < 0 && errno == ENXIO) break;  // only a hole follows
    if (data < 0 || spans.size() == max_spans) return {};
    off_t hole = ::lseek(file, data, SEEK_HOLE);
    if (hole < 0 || hole > size) hole = size;
    spans.push_back({static_cast<std::uint64_t>(data), static_cast<std::uint64_t>(hole - data)});
    offset = hole;
  }
  // The last span ends where the file does, as GNU tar has it: so a reader knows the size that the spans lead to.
  const auto end = static_cast<std::uint64_t>(size);
  if (spans.empty() || spans.back().offset + spans.back().size != end) spans.push_back({end, 0});
  return spans;
}

bool has_holes(const struct stat& info) {
  return info.st_size > 0 && info.st_blocks * 512 < info.st_size;
}

class Packer final : public TreeVisitor, public UnionVisitor {
 public:
  Packer(base::Sink& sink, const PackOptions& options) : writer_(sink), options_(options) {}

  PackResult pack(int root) {
    struct stat info {};
    if (::fstat(root, &info) != 0) throw base::os_error("looking at the root of the tree");
    device_ = info.st_dev;
    if (options_.with_root) add_directory(root, "./", info);
    walk_trees(root, root, *this);
    writer_.finish();
    return result_;
  }

  PackResult pack(const std::vector<base::UniqueFd>& layers, UnionScope scope,
                  const std::vector<std::string>& deleted) {
    const base::UniqueFd root = base::open_directory(layers.at(0).get(), ".");
    struct stat info {};
    if (::fstat(root.get(), &info) != 0) throw base::os_error("looking at the root of the tree");
    if (options_.with_root) add_directory(root.get(), "./", info);
    walk_union(layers, scope, *this);
    for (const std::string& path : deleted) add_whiteout(path, info);
    writer_.finish();
    return result_;
  }

  bool visit(const TreeEntry& entry) override {
    const std::string path = entry.path.empty() ? entry.name : base::concat(entry.path, "/", entry.name);
    if (options_.is_wanted && !options_.is_wanted(path, entry.info)) return false;
    return base::with_context([&] { return add(entry, path); }, "packing ", base::quoted(path));
  }

  bool visit(const UnionEntry& entry) override {
    if (options_.is_wanted && !options_.is_wanted(entry.path, entry.info)) return false;
    return base::with_context([&] { return add(entry); }, "packing ", base::quoted(entry.path));
  }

  void leave(int, int) override {}

 private:
  bool add(const UnionEntry& entry) {
    if (entry.is_whiteout) {
      add_whiteout(entry.path, entry.info);
      return false;
    }
    device_ = entry.info.st_dev;  // layers may lie on several file systems; nothing is mounted in them
    const TreeEntry one{entry.dir, entry.dir, entry.name, entry.path, entry.info};
    if (!add(one, entry.path)) return false;
    if (entry.is_opaque) add_marker(base::concat(entry.path, "/.wh..wh..opq"), entry.info);
    return true;
  }

  /// "etc/.wh.motd" for "etc/motd".
  void add_whiteout(const std::string& path, const struct stat& info) {
    const std::size_t name = path.rfind('/') + 1;  // npos + 1 is 0
    add_marker(base::concat(path.substr(0, name), ".wh.", path.substr(name)), info);
  }

  void add_marker(const std::string& path, const struct stat& info) {
    tar::PackedEntry packed = describe('0', path, info);
    packed.mode = 0600;
    packed.uid = packed.gid = 0;
    packed.mtime = {};
    writer_.add(packed);
  }

  bool add(const TreeEntry& entry, const std::string& path) {
    if (S_ISDIR(entry.info.st_mode)) {
      const base::UniqueFd dir = open_entry(entry, O_DIRECTORY);
      if (!dir) return false;
      add_directory(dir.get(), path + "/", entry.info);
      return entry.info.st_dev == device_;
    }
    if (S_ISSOCK(entry.info.st_mode)) {
      ++result_.skipped_sockets;
    } else if (!add_hard_link(entry, path)) {
      S_ISREG(entry.info.st_mode) ? add_file(entry, path) : add_special(entry, path);
    }
    return false;
  }

  tar::PackedEntry describe(char type, const std::string& path, const struct stat& info) {
    ++result_.entries;
    tar::PackedEntry packed;
    packed.type = type;
    packed.path = path;
    packed.mode = info.st_mode & 07777;
    packed.uid = info.st_uid;
    packed.gid = info.st_gid;
    packed.mtime = {info.st_mtim.tv_sec, options_.whole_seconds ? 0 : static_cast<std::uint32_t>(info.st_mtim.tv_nsec)};
    return packed;
  }

  /// O_NONBLOCK: what was a file may be a FIFO by now. Empty for what may vanish and did.
  base::UniqueFd open_entry(const TreeEntry& entry, int flags) const {
    base::UniqueFd fd{
        ::openat(entry.source_dir, entry.name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags)};
    if (!fd && !(options_.is_live && is_about_change(errno))) throw base::os_error("opening");
    return fd;
  }

  /// It is not there any more, is a link by now, no directory, or a socket or device.
  static bool is_about_change(int code) {
    return code == ENOENT || code == ELOOP || code == ENOTDIR || code == ENXIO || code == EINVAL;
  }

  void write(tar::PackedEntry& packed) {
    if (options_.adjust) options_.adjust(packed);
    writer_.add(packed);
  }

  void add_directory(int dir, const std::string& path, const struct stat& info) {
    tar::PackedEntry packed = describe('5', path, info);
    packed.xattrs = read_attributes(dir);
    write(packed);
  }

  /// The first name of an inode is packed whole.
  bool add_hard_link(const TreeEntry& entry, const std::string& path) {
    if (entry.info.st_nlink < 2) return false;
    const auto [first, is_new] = first_names_.try_emplace({entry.info.st_dev, entry.info.st_ino}, path);
    if (is_new) return false;
    tar::PackedEntry packed = describe('1', path, entry.info);
    packed.link = first->second;
    write(packed);
    return true;
  }

  void add_file(const TreeEntry& entry, const std::string& path) {
    const base::UniqueFd file = open_entry(entry, 0);
    if (!file) return forget(entry);
    struct stat info {};
    if (::fstat(file.get(), &info) != 0) throw base::os_error("looking at it");
    if (!S_ISREG(info.st_mode) && options_.is_live) return forget(entry);
    if (!S_ISREG(info.st_mode))
      throw base::make_error(base::ErrorKind::corrupt, "it was replaced by something else meanwhile");
    tar::PackedEntry packed = describe('0', path, info);
    packed.size = static_cast<std::uint64_t>(info.st_size);
    packed.xattrs = read_attributes(file.get());
    if (has_holes(info)) packed.spans = find_spans(file.get(), info.st_size);
    packed.sparse = !packed.spans.empty();
    write(packed);
    if (!packed.sparse) packed.spans = {{0, packed.size}};
    for (const tar::PackedSpan& span : packed.spans) copy(file.get(), span);
    writer_.fill_up();
  }

  void copy(int file, const tar::PackedSpan& span) {
    for (std::uint64_t done = 0; done < span.size;) {
      const std::size_t wanted = std::min<std::uint64_t>(buffer_.size(), span.size - done);
      const ssize_t got = ::pread(file, buffer_.data(), wanted, static_cast<off_t>(span.offset + done));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw base::os_error("reading");
      if (got == 0) return fill_span(span.size - done);
      writer_.write({buffer_.data(), static_cast<std::size_t>(got)});
      done += static_cast<std::uint64_t>(got);
    }
  }

  /// It became shorter, so that this span has no more bytes; the next one still has its own place.
  void fill_span(std::uint64_t missing) {
    buffer_.fill('\0');
    for (; missing > 0; missing -= std::min<std::uint64_t>(missing, buffer_.size()))
      writer_.write({buffer_.data(), static_cast<std::size_t>(std::min<std::uint64_t>(missing, buffer_.size()))});
  }

  void add_special(const TreeEntry& entry, const std::string& path) {
    const mode_t kind = entry.info.st_mode & S_IFMT;
    const char type = kind == S_IFLNK ? '2' : kind == S_IFCHR ? '3' : kind == S_IFBLK ? '4' : '6';
    tar::PackedEntry packed = describe(type, path, entry.info);
    if (type == '2') {
      const std::optional<std::string> target = read_link(entry);
      if (!target) return forget(entry);
      packed.link = *target;
    }
    if (type == '3' || type == '4') {
      packed.device_major = major(entry.info.st_rdev);
      packed.device_minor = minor(entry.info.st_rdev);
    }
    write(packed);
  }

  /// Another name of it is packed whole, then.
  void forget(const TreeEntry& entry) { first_names_.erase({entry.info.st_dev, entry.info.st_ino}); }

  std::optional<std::string> read_link(const TreeEntry& entry) const {
    std::array<char, 4096> text;  // PATH_MAX; the kernel makes no longer ones
    const ssize_t size = ::readlinkat(entry.source_dir, entry.name.c_str(), text.data(), text.size());
    if (size < 0 && options_.is_live && is_about_change(errno)) return std::nullopt;
    if (size < 0) throw base::os_error("reading the link");
    return std::string{text.data(), static_cast<std::size_t>(size)};
  }

  tar::Writer writer_;
  const PackOptions& options_;
  PackResult result_;
  dev_t device_ = 0;
  std::map<std::pair<dev_t, ino_t>, std::string> first_names_;
  std::array<char, copy_buffer_bytes> buffer_;
};

}  // namespace

PackResult pack_tree(int root, base::Sink& sink, const PackOptions& options) {
  return std::make_unique<Packer>(sink, options)->pack(root);
}

PackResult pack_union(const std::vector<base::UniqueFd>& layers, UnionScope scope, base::Sink& sink,
                      const PackOptions& options, const std::vector<std::string>& deleted) {
  return std::make_unique<Packer>(sink, options)->pack(layers, scope, deleted);
}

}  // namespace storage
