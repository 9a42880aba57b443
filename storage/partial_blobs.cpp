#include "storage/partial_blobs.hpp"

#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "storage/layout.hpp"
#include "storage/trash.hpp"

namespace storage {
namespace {

std::optional<struct stat> look_at(int fd) {
  struct stat info {};
  // What has another name, too, is not ours to write to.
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_nlink != 1) return std::nullopt;
  return info;
}

/// Between our opening it and our locking it, another process may have made a blob of it.
bool is_still_called(int folder, const std::string& name, const struct stat& opened) {
  struct stat now {};
  return ::fstatat(folder, name.c_str(), &now, AT_SYMLINK_NOFOLLOW) == 0 && now.st_dev == opened.st_dev &&
         now.st_ino == opened.st_ino;
}

bool is_idle(int folder, const std::string& name) {
  const base::UniqueFd fd{::openat(folder, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) return errno == ELOOP;  // a link is nothing of ours; of what cannot be opened now it is not known
  return ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0;
}

bool is_older(int folder, const std::string& name, std::chrono::seconds age) {
  struct stat info {};
  if (::fstatat(folder, name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return false;
  return age.count() == 0 || std::time(nullptr) - info.st_mtim.tv_sec > age.count();
}

std::vector<std::string> find_idle(const Store& store, std::chrono::seconds older_than) {
  const auto folder = base::try_open_directory(store.root(), layout::partial_folder);
  if (!folder) return {};
  std::vector<std::string> paths;
  for (const std::string& name : base::list_directory(folder->get(), "."))
    if (is_older(folder->get(), name, older_than) && is_idle(folder->get(), name))
      paths.push_back(base::concat(layout::partial_folder, "/", name));
  return paths;
}

}  // namespace

std::optional<PartialBlob> PartialBlob::open(const Store& store, const base::Digest& digest, std::uint64_t size_bytes) {
  std::string name{digest.hex()};
  const GcHold hold = store.hold_garbage();  // the collector removes what nobody has locked yet
  base::UniqueFd folder = base::make_directory(store.root(), layout::partial_folder);
  base::UniqueFd fd{::openat(folder.get(), name.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!fd) {
    base::log(base::LogLevel::debug, base::os_error("opening ", layout::partial_folder, "/", name).message());
    return std::nullopt;
  }
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0) return std::nullopt;
  const std::optional<struct stat> info = look_at(fd.get());
  if (!info || !is_still_called(folder.get(), name, *info)) return std::nullopt;
  const auto present = static_cast<std::uint64_t>(info->st_size);
  if (present > size_bytes) return std::nullopt;  // one of two descriptors lies about the size; this may be the one
  if (::lseek(fd.get(), 0, SEEK_END) < 0) throw base::os_error("seeking in ", layout::partial_folder, "/", name);
  return PartialBlob{std::move(folder), std::move(name), std::move(fd), present};
}

std::uint64_t partial_bytes(const Store& store, const base::Digest& digest) {
  struct stat info {};
  const std::string path = layout::partial(digest);
  if (::fstatat(store.root(), path.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) return 0;
  return static_cast<std::uint64_t>(info.st_size);
}

std::vector<std::string> idle_partials(const Store& store, const GcLock&, std::chrono::seconds older_than) {
  return find_idle(store, older_than);
}

void remove_old_partials(const Store& store) {
  // The lock is worth taking only when there is something; not waited for, because a pull has better things to do.
  if (find_idle(store, max_partial_age).empty()) return;
  const auto lock = base::FileLock::try_acquire(store.root(), "locks/gc", base::FileLock::Mode::exclusive);
  if (!lock) return;
  for (const std::string& path : find_idle(store, max_partial_age)) discard(store, path);
}

}  // namespace storage
