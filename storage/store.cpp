#include "storage/store.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <string_view>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "storage/image_users.hpp"
#include "storage/layout.hpp"
#include "storage/place.hpp"

namespace storage {

namespace {

/// What containers/storage puts into its root; podman's store and ours may never be the same folder.
constexpr std::array<const char*, 4> foreign_folders = {"overlay-layers", "vfs-layers", "overlay-images", "vfs-images"};

/// The user chose this path, so links in it are followed; the owner check below is what protects us.
base::UniqueFd try_open_place(const std::string& path) {
  base::UniqueFd fd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!fd && errno != ENOENT) throw base::os_error("opening ", base::quoted(path));
  return fd;
}

void make_with_parents(const std::string& path) {
  for (std::size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    const std::string prefix = path.substr(0, end);
    if (::mkdir(prefix.c_str(), 0700) != 0 && errno != EEXIST) {
      throw base::os_error("making the folder ", base::quoted(prefix));
    }
    if (end == std::string::npos) return;
  }
}

void check_owner(int fd, const std::string& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) throw base::os_error("looking at ", base::quoted(path));
  if (info.st_uid != ::geteuid()) {
    throw base::Error{base::ErrorKind::permission,
                      base::concat("the folder ", base::quoted(path), " belongs to user ", info.st_uid, ", not to us"),
                      "run engine as the user who made it, or choose another folder with --root"};
  }
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    throw base::Error{base::ErrorKind::permission,
                      base::concat("the folder ", base::quoted(path), " can be written by other users"),
                      base::concat("chmod go-w ", path)};
  }
}

base::UniqueFd open_place(const std::string& path) {
  if (path.empty() || path.front() != '/') {
    throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(path), " is not an absolute path");
  }
  base::UniqueFd fd = try_open_place(path);
  if (!fd) {
    make_with_parents(path);
    fd = base::UniqueFd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    if (!fd) throw base::os_error("opening ", base::quoted(path));
  }
  check_owner(fd.get(), path);
  return fd;
}

bool is_folder_of_ours(const std::string& name) {
  return std::find(layout::folders.begin(), layout::folders.end(), name) != layout::folders.end();
}

/// What whoever died while making a store has not left: its folders are empty, and other people's may have such names.
std::optional<std::string> find_stranger(int root, const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    if (name == "lost+found" || name == layout::partial_folder || name.front() == '.') continue;
    if (!is_folder_of_ours(name)) return name;
    for (const std::string& inner : base::list_directory(root, name))
      if (!is_folder_of_ours(base::concat(name, "/", inner))) return base::concat(name, "/", inner);
  }
  return std::nullopt;
}

/// A store may be made in an empty folder, or where a process died while making one.
void check_place_for_store(int root, const std::string& path) {
  const std::vector<std::string> names = base::list_directory(root, ".");
  for (const char* foreign : foreign_folders) {
    if (std::find(names.begin(), names.end(), foreign) == names.end()) continue;
    throw base::Error{base::ErrorKind::invalid_argument,
                      base::concat("the folder ", base::quoted(path), " holds a containers/storage store"),
                      "podman and engine cannot share one store; choose another folder with --root"};
  }
  const auto stranger = find_stranger(root, names);
  if (!stranger || base::exists(root, "format")) return;  // made by another process meanwhile
  throw base::Error{base::ErrorKind::invalid_argument,
                    base::concat("the folder ", base::quoted(path), " is not empty (it has ", base::quoted(*stranger),
                                 ") and holds no store"),
                    "choose an empty or new folder with --root"};
}

/// As on vfat or exfat. Images are full of links, and names of containers are some.
void check_links(int root, const std::string& path) {
  const std::string probe = base::concat(".probe-", base::random_hex(8));
  if (::symlinkat("format", root, probe.c_str()) == 0 && ::unlinkat(root, probe.c_str(), 0) == 0) return;
  if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
    throw base::os_error("making a link in ", base::quoted(path));
  throw base::Error{
      base::ErrorKind::unsupported,
      base::concat("the file system of ", base::quoted(path), " has no links: no image can be kept there"),
      "choose a folder on another file system with --root"};
}

/// The format file is made last: whoever sees it sees all folders.
void make_store(int root, const std::string& path) {
  check_place_for_store(root, path);
  check_links(root, path);
  for (const char* folder : layout::folders) {
    if (::mkdirat(root, folder, 0700) != 0 && errno != EEXIST) throw base::os_error("making ", base::quoted(folder));
  }
  base::create_file_exclusively(root, "format", layout::format_line, base::Durability::flushed);
}

void check_format(std::string_view text, const std::string& path) {
  if (text == layout::format_line) return;
  throw base::Error{base::ErrorKind::unsupported,
                    base::concat("the store ", base::quoted(path), " has an unknown format ", base::quoted(text)),
                    "another version of engine made it; use that one, or choose another folder with --root"};
}

/// Whoever may write there decides what our containers are made of.
void check_only_owner_writes(int fd, const std::string& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) throw base::os_error("looking at ", base::quoted(path));
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) == 0 || (info.st_mode & S_ISVTX) != 0) return;
  throw base::Error{base::ErrorKind::permission, base::concat("others than its owner can write to it"),
                    base::concat("chmod go-w ", path)};
}

/// Ours alone needs folders, locks and a run folder; of this one we read images.
SharedStore open_shared(const std::string& path) {
  if (path.empty() || path.front() != '/')
    throw base::make_error(base::ErrorKind::invalid_argument, "it is not an absolute path");
  SharedStore shared{path, base::UniqueFd{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)}};
  if (!shared.root) throw base::os_error("opening it");
  check_only_owner_writes(shared.root.get(), path);
  const auto format = base::try_read_file(shared.root.get(), "format", 256);
  if (!format) throw base::make_error(base::ErrorKind::invalid_argument, "it holds no store of engine");
  check_format(*format, path);
  for (const char* folder : {"images", "refs", "layers", "blobs/sha256"})
    base::open_directory(shared.root.get(), folder);
  return shared;
}

base::FileLock lock(int root, const std::string& name, base::FileLock::Mode mode, int rank) {
  try {
    return base::FileLock::acquire(root, name, mode, rank);
  } catch (base::Error& error) {
    if (error.code() != EROFS) throw;
    throw std::move(error).with_hint(read_only_hint);
  }
}

bool is_same_folder(int one, int other) {
  struct stat first {
  }, second{};
  return ::fstat(one, &first) == 0 && ::fstat(other, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

}  // namespace

Store Store::open_one(const std::string& root, const std::string& run) {
  Store store;
  store.root_path_ = root;
  store.run_path_ = run;
  store.root_ = open_place(root);
  const auto format = base::try_read_file(store.root_.get(), "format", 256);
  if (format) {
    check_format(*format, root);
  } else {
    make_store(store.root_.get(), root);
  }
  store.run_ = open_place(run);
  return store;
}

bool Store::is_user(const std::string& root) const {
  struct stat theirs {
  }, own{};
  const bool is_this = root_path_ == root || (::stat(root.c_str(), &theirs) == 0 && ::fstat(root_.get(), &own) == 0 &&
                                              theirs.st_dev == own.st_dev && theirs.st_ino == own.st_ino);
  return is_this || (container_store_ && container_store_->is_user(root));
}

void Store::open_users(const std::string& container_store) {
  std::vector<std::string> users = image_users(root());
  users.push_back(run_path_ + transient_folder);  // whatever command this is
  if (!container_store.empty()) users.insert(users.begin(), container_store);
  Store* last = this;
  for (const std::string& user : users) {
    if (is_user(user) || !is_store(user)) continue;
    last->container_store_ = std::make_unique<Store>(open_one(user, run_path_));
    last = last->container_store_.get();
  }
}

Store Store::open(const StorePlaces& places) {
  Store store = open_one(places.root, places.run);
  std::vector<std::string> shared = places.shared;
  if (!places.image_store.empty()) {
    store.image_store_ = std::make_unique<Store>(open_one(places.image_store, places.run));
    note_image_user(store.image_store_->root(), places.root);
    shared.insert(shared.begin(), places.image_store);
  }
  if (!places.container_store.empty() && is_store(places.container_store))
    shared.insert(shared.begin(), places.container_store);
  store.open_users(places.container_store);
  for (const std::string& path : shared) {
    try {
      SharedStore other = open_shared(path);
      if (!is_same_folder(other.root.get(), store.root())) store.shared_.push_back(std::move(other));
    } catch (const base::Error& error) {
      const std::string hint = error.hint().empty() ? "" : base::concat(" (", error.hint(), ")");
      base::log(base::LogLevel::warn, "the shared store ", base::quoted(path), " is not used: ", error.message(), hint);
    }
  }
  return store;
}

int Store::root_having(const std::string& path) const {
  if (shared_.empty() || base::exists(root(), path)) return root();
  struct stat info {};
  for (const SharedStore& other : shared_)
    if (::fstatat(other.root.get(), path.c_str(), &info, AT_SYMLINK_NOFOLLOW) == 0) return other.root.get();
  return root();
}

GcHold Store::hold_garbage() const {
  GcHold hold{lock(root(), "locks/gc", base::FileLock::Mode::shared, lock_rank::garbage)};
  if (image_store_)
    hold.image_store_ = lock(image_store_->root(), "locks/gc", base::FileLock::Mode::shared, lock_rank::garbage);
  return hold;
}

GcLock Store::lock_garbage() const {
  GcLock taken{lock(root(), "locks/gc", base::FileLock::Mode::exclusive, lock_rank::garbage)};
  for (const std::string& user : image_users(root()))
    if (is_store(user) && !is_user(user))
      throw base::make_error(base::ErrorKind::in_use, "the store ", base::quoted(user), " began to use the images of ",
                             base::quoted(root_path_), " meanwhile")
          .with_hint("the same command again");
  return taken;
}

base::FileLock Store::lock_digest(const base::Digest& digest) const {
  return lock(root(), layout::pull_lock(digest), base::FileLock::Mode::exclusive, lock_rank::digest);
}

}  // namespace storage
