#include "runtime/copy_up.hpp"

#include <array>
#include <climits>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <string_view>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fd.hpp"

namespace runtime {
namespace {

using base::UniqueFd;

constexpr int max_depth = 64;

struct CloseDirectory {
  void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};

void copy_ownership(int target, const struct stat& status) {
  // Ids that are not mapped stay ours.
  if (::fchown(target, status.st_uid, status.st_gid) != 0 && errno != EPERM && errno != EINVAL)
    throw base::os_error("setting the owner");
  if (::fchmod(target, status.st_mode & 07777) != 0) throw base::os_error("setting the mode");
  const std::array<timespec, 2> times = {status.st_atim, status.st_mtim};
  if (::futimens(target, times.data()) != 0) throw base::os_error("setting the times");
}

void copy_file(int source_dir, int target_dir, const char* name) {
  const UniqueFd source{::openat(source_dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  if (!source) throw base::os_error("opening ", base::quoted(name));
  struct stat status {};
  if (::fstat(source.get(), &status) != 0) throw base::os_error("examining ", base::quoted(name));
  const UniqueFd target{::openat(target_dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600)};
  if (!target) throw base::os_error("creating ", base::quoted(name));
  while (true) {
    const ssize_t sent = ::sendfile(target.get(), source.get(), nullptr, 1 << 20);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) throw base::os_error("copying ", base::quoted(name));
    if (sent == 0) break;
  }
  copy_ownership(target.get(), status);
}

void copy_link(int source_dir, int target_dir, const char* name, const struct stat& status) {
  std::array<char, PATH_MAX> text{};
  const ssize_t size = ::readlinkat(source_dir, name, text.data(), text.size() - 1);
  if (size < 0) throw base::os_error("reading link ", base::quoted(name));
  if (::symlinkat(text.data(), target_dir, name) != 0) throw base::os_error("creating link ", base::quoted(name));
  if (::fchownat(target_dir, name, status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) != 0 && errno != EPERM &&
      errno != EINVAL)
    throw base::os_error("setting the owner of ", base::quoted(name));
}

void copy_directory(int source, int target, dev_t device, int depth);

void copy_entry(int source, int target, const char* name, dev_t device, int depth) {
  struct stat status {};
  if (::fstatat(source, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
    throw base::os_error("examining ", base::quoted(name));
  if (status.st_dev != device) return;
  if (S_ISREG(status.st_mode)) return copy_file(source, target, name);
  if (S_ISLNK(status.st_mode)) return copy_link(source, target, name, status);
  if (!S_ISDIR(status.st_mode)) return;
  if (::mkdirat(target, name, 0700) != 0) throw base::os_error("creating ", base::quoted(name));
  const UniqueFd inner_source{::openat(source, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  const UniqueFd inner_target{::openat(target, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!inner_source || !inner_target) throw base::os_error("opening ", base::quoted(name));
  copy_directory(inner_source.get(), inner_target.get(), device, depth + 1);
}

void copy_directory(int source, int target, dev_t device, int depth) {
  if (depth > max_depth) throw base::make_error(base::ErrorKind::unsupported, "directories are nested too deeply");
  UniqueFd listing = base::duplicate(source);
  const std::unique_ptr<DIR, CloseDirectory> directory{::fdopendir(listing.get())};
  if (!directory) throw base::os_error("listing a directory");
  static_cast<void>(listing.release());  // closedir closes it
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") copy_entry(source, target, entry->d_name, device, depth);
  }
  struct stat status {};
  if (::fstat(source, &status) != 0) throw base::os_error("examining a directory");
  copy_ownership(target, status);
}

}  // namespace

void copy_up(int source, int target, bool keeps_own) {
  const UniqueFd from{::openat(source, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  const UniqueFd to{::openat(target, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!from || !to) throw base::os_error("opening a directory to copy up");
  struct stat status {};
  struct stat own {};
  if (::fstat(from.get(), &status) != 0 || ::fstat(to.get(), &own) != 0)
    throw base::os_error("examining a directory to copy up");
  base::with_context([&] { copy_directory(from.get(), to.get(), status.st_dev, 0); }, "copying up");
  if (keeps_own) copy_ownership(to.get(), own);
}

}  // namespace runtime
