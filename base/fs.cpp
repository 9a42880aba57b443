#include "base/fs.hpp"

#include <algorithm>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/scope_exit.hpp"

namespace base {
namespace {

struct CloseDirectory {
  void operator()(DIR* stream) const noexcept { ::closedir(stream); }
};

UniqueFd open_directory_or_empty(int at, const std::string& path) {
  return UniqueFd{::openat(at, path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
}

/// A new file with a random name in `dir`, complete and, if asked for, on disk.
std::string write_temporary(int dir, const std::string& name, std::string_view bytes, Durability durability,
                            mode_t mode) {
  const std::string temporary = concat(".", name, ".", random_hex(6));
  UniqueFd fd{::openat(dir, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)};
  if (!fd) throw os_error("creating ", quoted(temporary));
  auto discard = on_scope_exit([&] { ::unlinkat(dir, temporary.c_str(), 0); });
  // The umask may have taken bits away that the caller asked for.
  if ((mode & 077) != 0 && ::fchmod(fd.get(), mode) != 0) throw os_error("setting the mode of ", quoted(temporary));
  with_context([&] { write_all(fd.get(), bytes); }, "writing ", quoted(temporary));
  if (durability == Durability::flushed) flush(fd.get(), temporary);
  discard.cancel();
  return temporary;
}

/// For file systems without RENAME_NOREPLACE. A file is linked, so it cannot replace anything; a directory may replace
/// an empty one that appears at this very moment.
bool rename_no_replace_by_link(int from_dir, const std::string& from, int to_dir, const std::string& to) {
  struct stat status {};
  if (::fstatat(from_dir, from.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) throw os_error("renaming ", quoted(from));
  if (!S_ISDIR(status.st_mode)) {
    if (::linkat(from_dir, from.c_str(), to_dir, to.c_str(), 0) != 0) {
      if (errno == EEXIST) return false;
      throw os_error("linking ", quoted(from), " to ", quoted(to));
    }
    unlink_file(from_dir, from);
    return true;
  }
  if (exists(to_dir, to)) return false;
  rename_replace(from_dir, from, to_dir, to);
  return true;
}

}  // namespace

UniqueFd open_directory(int at, const std::string& path) {
  UniqueFd fd = open_directory_or_empty(at, path);
  if (!fd) throw os_error("opening directory ", quoted(path));
  return fd;
}

std::optional<UniqueFd> try_open_directory(int at, const std::string& path) {
  UniqueFd fd = open_directory_or_empty(at, path);
  if (fd) return fd;
  if (errno == ENOENT) return std::nullopt;
  throw os_error("opening directory ", quoted(path));
}

UniqueFd make_directory(int at, const std::string& path, mode_t mode) {
  if (::mkdirat(at, path.c_str(), mode) != 0 && errno != EEXIST) throw os_error("making directory ", quoted(path));
  return open_directory(at, path);
}

UniqueFd make_directories(int at, const std::string& path, mode_t mode) {
  if (std::optional<UniqueFd> fd = try_open_directory(at, path)) return std::move(*fd);
  for (std::size_t end = path.find('/', 1); end != std::string::npos; end = path.find('/', end + 1)) {
    const std::string prefix = path.substr(0, end);
    // For a directory that exists the kernel answers EEXIST before it looks at permissions.
    if (::mkdirat(at, prefix.c_str(), mode) != 0 && errno != EEXIST)
      throw os_error("making directory ", quoted(prefix));
  }
  return make_directory(at, path, mode);
}

std::optional<UniqueFd> try_open_file(int at, const std::string& path) {
  UniqueFd fd{::openat(at, path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (fd) return fd;
  if (errno == ENOENT) return std::nullopt;
  throw os_error("opening ", quoted(path));
}

std::optional<std::string> try_read_file(int at, const std::string& path, std::size_t limit_bytes) {
  const std::optional<UniqueFd> fd = try_open_file(at, path);
  if (!fd) return std::nullopt;
  return with_context([&] { return read_to_end(fd->get(), limit_bytes); }, "reading ", quoted(path));
}

std::string read_file(int at, const std::string& path, std::size_t limit_bytes) {
  std::optional<std::string> text = try_read_file(at, path, limit_bytes);
  if (!text) throw error_from_code(ENOENT, concat("opening ", quoted(path)));
  return std::move(*text);
}

void write_file_atomically(int dir, const std::string& name, std::string_view bytes, Durability durability,
                           mode_t mode) {
  const std::string temporary = write_temporary(dir, name, bytes, durability, mode);
  auto discard = on_scope_exit([&] { ::unlinkat(dir, temporary.c_str(), 0); });
  if (::renameat(dir, temporary.c_str(), dir, name.c_str()) != 0) throw os_error("replacing ", quoted(name));
  discard.cancel();
  if (durability == Durability::flushed) flush(dir, concat("the directory of ", name));
}

bool create_file_exclusively(int dir, const std::string& name, std::string_view bytes, Durability durability,
                             mode_t mode) {
  const std::string temporary = write_temporary(dir, name, bytes, durability, mode);
  auto discard = on_scope_exit([&] { ::unlinkat(dir, temporary.c_str(), 0); });
  if (!rename_no_replace(dir, temporary, dir, name)) return false;
  discard.cancel();
  if (durability == Durability::flushed) flush(dir, concat("the directory of ", name));
  return true;
}

void write_existing(int at, const std::string& path, std::string_view bytes) {
  const UniqueFd fd{::openat(at, path.c_str(), O_WRONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) throw os_error("opening ", quoted(path), " for writing");
  // The kernel takes an id map or a sysctl in one write only, so a short one is not continued.
  const ssize_t written = ::write(fd.get(), bytes.data(), bytes.size());
  if (written < 0) throw os_error("writing ", quoted(path));
  if (static_cast<std::size_t>(written) != bytes.size())
    throw make_error(ErrorKind::internal, "writing ", quoted(path), ": only ", written, " of ", bytes.size(),
                     " bytes taken");
}

std::vector<std::string> list_directory(int at, const std::string& path) {
  UniqueFd fd = open_directory(at, path);
  const std::unique_ptr<DIR, CloseDirectory> stream{::fdopendir(fd.get())};
  if (!stream) throw os_error("reading directory ", quoted(path));
  [[maybe_unused]] const int owned_by_stream = fd.release();
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (entry == nullptr && errno != 0) throw os_error("reading directory ", quoted(path));
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool exists(int at, const std::string& path) {
  struct stat status {};
  if (::fstatat(at, path.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return true;
  if (errno == ENOENT || errno == ENOTDIR) return false;
  throw os_error("looking at ", quoted(path));
}

bool rename_no_replace(int from_dir, const std::string& from, int to_dir, const std::string& to) {
  if (::renameat2(from_dir, from.c_str(), to_dir, to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno == EEXIST) return false;
  if (errno == EINVAL || errno == ENOSYS) return rename_no_replace_by_link(from_dir, from, to_dir, to);
  throw os_error("renaming ", quoted(from), " to ", quoted(to));
}

void rename_replace(int from_dir, const std::string& from, int to_dir, const std::string& to) {
  if (::renameat(from_dir, from.c_str(), to_dir, to.c_str()) != 0)
    throw os_error("renaming ", quoted(from), " to ", quoted(to));
}

void unlink_file(int dir, const std::string& name) {
  if (::unlinkat(dir, name.c_str(), 0) != 0 && errno != ENOENT) throw os_error("removing ", quoted(name));
}

void flush(int fd, std::string_view what) {
  if (::fsync(fd) == 0) return;
  Error error = os_error("flushing ", quoted(what));
  if (error.code() != EIO) throw error;
  throw Error{ErrorKind::corrupt, concat("flushing ", quoted(what), ": the disk could not write it")}
      .with_hint("look at the kernel log (dmesg) for the failing disk")
      .with_code(EIO);
}

void flush_filesystem(int fd) {
  if (::syncfs(fd) != 0) throw os_error("flushing the file system");
}

TempDir::TempDir(const std::string& parent) : path_(concat(parent, "/engine-", random_hex(8))) {
  if (::mkdir(path_.c_str(), 0700) != 0) throw os_error("making directory ", quoted(path_));
  fd_ = open_directory(AT_FDCWD, path_);
}

TempDir::~TempDir() {
  try {
    remove_tree(AT_FDCWD, path_);
  } catch (...) {  // what cannot be removed stays in the temporary directory; a destructor has nobody to tell
  }
}

}  // namespace base
