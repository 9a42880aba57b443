#include "storage/check_layer.hpp"

#include <array>
#include <cerrno>
#include <climits>
#include <fcntl.h>
#include <memory>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/digest.hpp"
#include "base/error.hpp"
#include "base/fd.hpp"
#include "base/text.hpp"
#include "storage/check_expected.hpp"
#include "storage/tree_walk.hpp"

namespace storage {
namespace {

using Type = OwnerRecord::Type;

constexpr std::size_t max_told = 3;
constexpr std::size_t chunk_bytes = 256 * 1024;
constexpr std::size_t max_capability_bytes = 64;

mode_t format_of(Type type) {
  switch (type) {
    case Type::directory:
    case Type::opaque:
      return S_IFDIR;
    case Type::symlink:
      return S_IFLNK;
    case Type::fifo:
      return S_IFIFO;
    case Type::whiteout:
      return S_IFCHR;
    case Type::file:
    case Type::hard_link:
      break;
  }
  return S_IFREG;
}

std::string_view name_of_format(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFDIR:
      return "a directory";
    case S_IFLNK:
      return "a symbolic link";
    case S_IFIFO:
      return "a FIFO";
    case S_IFCHR:
      return "a character device";
    case S_IFREG:
      return "a file";
    default:
      return "something else";
  }
}

std::string octal(mode_t mode) {
  std::string text;
  for (int shift = 9; shift >= 0; shift -= 3) text.push_back(static_cast<char>('0' + ((mode >> shift) & 7)));
  return text;
}

/// The sets of capabilities in a value of security.capability. The kernel shows the same ones in another version of the
/// format when it was written in a user namespace. Source: capabilities(7) "File capability extended attribute
/// versioning": 4 bytes of version and flags, 16 of sets, and 4 of the namespace's root in version 3.
std::string capability_sets(std::string_view hex) {
  constexpr std::size_t magic_digits = 8, sets_digits = 32;
  return std::string{hex.substr(0, 2)} + std::string{hex.substr(std::min(magic_digits, hex.size()), sets_digits)};
}
constexpr std::size_t first_version_digits = 24;  // 12 bytes; the kernel does not store it

/// What this process has run out of says nothing of the layer. A disk that cannot read it does: it has to be made
/// again.
bool is_about_us(const base::Error& error) {
  const int code = error.code();
  return code == EMFILE || code == ENFILE || code == ENOMEM || code == EINTR;
}

class Comparison final : public TreeVisitor {
 public:
  Comparison(ExpectedTree& expected, LayerOwners whose)
      : expected_(expected), whose_(whose), buffer_(std::make_unique<std::array<char, chunk_bytes>>()) {}

  void compare_root(int diff) {
    struct stat info {};
    if (::fstat(diff, &info) != 0) throw base::os_error("looking at the layer's tree");
    ExpectedTree::Entry* const root = expected_.find("");
    root->was_found = true;
    compare_attributes(".", info, expected_.inode(*root));
    compare_opaque(".", diff, expected_.inode(*root));
  }

  bool visit(const TreeEntry& entry) override {
    const std::string path = entry.path.empty() ? entry.name : base::concat(entry.path, "/", entry.name);
    ExpectedTree::Entry* const expected = expected_.find(path);
    if (expected == nullptr) {
      tell(base::quoted(path), " does not belong there");
      return false;
    }
    expected->was_found = true;
    ExpectedTree::Inode& inode = expected_.inode(*expected);
    if ((entry.info.st_mode & S_IFMT) != format_of(inode.type)) {
      tell(base::quoted(path), " is ", name_of_format(entry.info.st_mode), " and not ",
           name_of_format(format_of(inode.type)));
      return false;
    }
    compare_entry(entry, path, inode);
    return S_ISDIR(entry.info.st_mode);
  }
  void leave(int, int) override {}

  void tell_missing() {
    const std::string* above = nullptr;  // what is in a missing directory is missing with it
    for (const auto& [path, entry] : expected_.entries()) {
      if (entry.was_found) continue;
      if (above != nullptr && path.starts_with(*above + "/")) continue;
      above = &path;
      tell(base::quoted(path), " is missing");
    }
  }

  template <class... Parts>
  void tell(const Parts&... parts) {
    if (++differences_.count <= max_told) differences_.first.push_back(base::concat(parts...));
  }
  LayerDifferences take() { return std::move(differences_); }

 private:
  void tell_unreadable(const std::string& path, const base::Error& error) {
    if (is_about_us(error)) throw base::Error{error};
    tell(base::quoted(path), " cannot be read: ", error.message());
  }

  void compare_entry(const TreeEntry& entry, const std::string& path, ExpectedTree::Inode& inode) {
    if (inode.type == Type::whiteout) {
      if (entry.info.st_rdev != 0) tell(base::quoted(path), " is a device and not a whiteout");
      return;
    }
    if (inode.seen_as == entry.info.st_ino) return;  // another name of what was compared already
    if (inode.seen_as != 0) return tell(base::quoted(path), " is not the hard link that it should be");
    inode.seen_as = entry.info.st_ino;
    compare_attributes(path, entry.info, inode);
    if (inode.type == Type::symlink) return compare_link(entry, path, inode);
    if (inode.type == Type::fifo) return;
    const int kind = inode.type == Type::directory ? O_DIRECTORY : O_NONBLOCK;
    const base::UniqueFd fd{::openat(entry.source_dir, entry.name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | kind)};
    if (!fd) return tell_unreadable(path, base::os_error("opening"));
    if (inode.type == Type::directory) return compare_opaque(path, fd.get(), inode);
    compare_content(path, fd.get(), entry.info, inode);
    compare_capabilities(path, fd.get(), inode);
  }

  void compare_attributes(std::string_view path, const struct stat& info, const ExpectedTree::Inode& inode) {
    const mode_t mode = info.st_mode & 07777;
    if (inode.type != Type::symlink && mode != (inode.mode & 07777))
      tell(base::quoted(path), " has the mode ", octal(mode), " instead of ", octal(inode.mode & 07777));
    if (whose_ == LayerOwners::unknown) return;
    const bool is_single = whose_ == LayerOwners::single;
    const std::uint32_t uid = is_single ? 0 : inode.uid;
    const std::uint32_t gid = is_single ? 0 : inode.gid;
    if (info.st_uid != uid || info.st_gid != gid)
      tell(base::quoted(path), " belongs to ", info.st_uid, ":", info.st_gid, " instead of ", uid, ":", gid);
  }

  void compare_link(const TreeEntry& entry, const std::string& path, const ExpectedTree::Inode& inode) {
    std::array<char, PATH_MAX> target{};
    const ssize_t size = ::readlinkat(entry.source_dir, entry.name.c_str(), target.data(), target.size());
    if (size < 0) return tell_unreadable(path, base::os_error("reading the link"));
    if (std::string_view{target.data(), static_cast<std::size_t>(size)} != inode.link)
      tell(base::quoted(path), " points elsewhere than to ", base::quoted(inode.link));
  }

  void compare_content(const std::string& path, int fd, const struct stat& info, const ExpectedTree::Inode& inode) {
    if (static_cast<std::uint64_t>(info.st_size) != inode.size_bytes)
      return tell(base::quoted(path), " has ", info.st_size, " bytes instead of ", inode.size_bytes);
    base::Sha256 hash;
    try {
      while (const std::size_t count = base::read_some(fd, buffer_->data(), buffer_->size()))
        hash.update(buffer_->data(), count);
    } catch (const base::Error& error) {
      return tell_unreadable(path, error);
    }
    if (hash.finish().hex() != inode.sha256_hex) tell("the content of ", base::quoted(path), " is not what was pulled");
  }

  void compare_capabilities(const std::string& path, int fd, const ExpectedTree::Inode& inode) {
    std::array<char, max_capability_bytes> value{};
    const ssize_t size = ::fgetxattr(fd, "security.capability", value.data(), value.size());
    if (size < 0 && errno != ENODATA) return;  // this file system keeps none
    const std::string here = size < 0 ? std::string{} : base::to_hex(value.data(), static_cast<std::size_t>(size));
    const bool is_storable = inode.capabilities_hex.size() != first_version_digits;
    const std::string_view wanted = is_storable ? std::string_view{inode.capabilities_hex} : std::string_view{};
    if (capability_sets(here) != capability_sets(wanted))
      tell(base::quoted(path), here.empty() ? " has lost its capabilities" : " has other capabilities than it should");
  }

  void compare_opaque(std::string_view path, int dir, const ExpectedTree::Inode& inode) {
    char value = 0;
    const bool is_opaque = ::fgetxattr(dir, "user.overlay.opaque", &value, 1) == 1 && value == 'y';
    if (is_opaque != inode.is_opaque)
      tell(base::quoted(path), is_opaque ? " is marked as opaque and should not be" : " is not marked as opaque");
  }

  ExpectedTree& expected_;
  LayerOwners whose_;
  std::unique_ptr<std::array<char, chunk_bytes>> buffer_;
  LayerDifferences differences_;
};

}  // namespace

LayerDifferences compare_layer(int diff, int owners, LayerOwners whose) {
  ExpectedTree expected = ExpectedTree::read(owners);
  Comparison comparison(expected, whose);
  try {
    comparison.compare_root(diff);
    walk_trees(diff, diff, comparison);
    comparison.tell_missing();
  } catch (const base::Error& error) {  // a directory that cannot be read, say
    if (is_about_us(error)) throw;
    comparison.tell("the tree cannot be read: ", error.message());
  }
  return comparison.take();
}

}  // namespace storage
