#include "cmd/oci_folder.hpp"

#include <cerrno>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"

namespace cmd {
namespace {

using base::ErrorKind;
using base::make_error;

constexpr const char* lock_file = "lock";
constexpr const char* sweep_lock_file = "~lock";
constexpr std::chrono::milliseconds maker_patience{5000};  // whose hooks may take any time
constexpr std::chrono::milliseconds patience{60'000};      // all else that is done under the lock has limits of its own

std::string passing_name() {
  return "~" + base::random_hex(8);
}

void make_fifo(int dir, const char* name) {
  if (::mkfifoat(dir, name, 0600) != 0) throw base::os_error("making FIFO ", base::quoted(name));
}

bool is_same_folder(int root, const std::string& id, int dir) {
  struct stat named {};
  struct stat opened {};
  if (::fstatat(root, id.c_str(), &named, AT_SYMLINK_NOFOLLOW) != 0) return false;
  if (::fstat(dir, &opened) != 0) throw base::os_error("examining the state folder of ", base::quoted(id));
  return named.st_dev == opened.st_dev && named.st_ino == opened.st_ino;
}

std::optional<base::FileLock> lock_folder(int dir, std::chrono::milliseconds limit) {
  return base::FileLock::acquire_for(dir, lock_file, base::FileLock::Mode::exclusive, limit);
}

base::FileLock lock_against_sweeps(int root) {
  return base::FileLock::acquire(root, sweep_lock_file, base::FileLock::Mode::exclusive);
}

base::FileLock make_locked_directory(int root, const std::string& name, base::UniqueFd& dir) {
  const base::FileLock no_sweep = lock_against_sweeps(root);
  dir = base::make_directory(root, name);
  return base::FileLock::acquire(dir.get(), lock_file, base::FileLock::Mode::exclusive);
}

bool is_damaged_folder(int root, const std::string& root_path, const std::string& id) {
  try {
    static_cast<void>(find_oci_container(root_path, id));
    return false;
  } catch (const base::Error&) {
    return base::try_open_directory(root, id).has_value();
  }
}

void end_waiting_process(int dir, const std::string& id) {
  try {
    if (answer_start(dir, end_byte)) return;
    base::log(base::LogLevel::warn, "the state of container ", base::quoted(id),
              " cannot be read: what still runs of it runs on");
  } catch (const base::Error& error) {  // whatever lies there must not keep the folder from being removed
    base::log(base::LogLevel::warn, error.message());
  }
}

}  // namespace

// Whoever makes or removes such a folder holds its lock or ours.
void sweep_oci_folders(int root) {
  const base::FileLock sweeping = lock_against_sweeps(root);
  for (const std::string& name : base::list_directory(root, ".")) {
    if (!name.starts_with('~') || name == sweep_lock_file) continue;
    const auto dir = base::try_open_directory(root, name);
    if (!dir || base::FileLock::is_held(dir->get(), lock_file)) continue;
    base::remove_tree(root, name);
  }
}

LockedContainer make_oci_folder(const std::string& root_path, OciState state, std::string_view config) {
  check_oci_id(state.id);
  const base::UniqueFd root = base::make_directories(AT_FDCWD, root_path, 0700);
  const std::string passing = passing_name();
  OciContainer container;
  base::FileLock lock = make_locked_directory(root.get(), passing, container.dir);
  const int dir = container.dir.get();
  container.state = std::move(state);
  save_oci_state(container);
  base::write_file_atomically(dir, config_file, config, base::Durability::volatile_);
  make_fifo(dir, start_fifo);
  make_fifo(dir, report_fifo);
  const std::string& id = container.state.id;
  if (!base::rename_no_replace(root.get(), passing, root.get(), id)) {
    base::remove_tree(root.get(), passing);
    throw make_error(ErrorKind::already_exists, "a container ", base::quoted(id), " exists already");
  }
  return {std::move(container), std::move(lock)};
}

void save_oci_state(const OciContainer& container) {
  base::write_file_atomically(container.dir.get(), state_file, write_oci_state(container.state),
                              base::Durability::volatile_);
}

std::optional<LockedContainer> lock_oci_container_for(const std::string& root_path, const std::string& id,
                                                      std::chrono::milliseconds limit) {
  while (true) {
    OciContainer container = find_oci_container(root_path, id);
    std::optional<base::FileLock> lock;
    try {
      lock = lock_folder(container.dir.get(), limit);
    } catch (const base::Error& error) {
      if (error.code() != ENOENT) throw;  // deleted before the lock file was opened
      continue;
    }
    if (!lock) return std::nullopt;
    const auto root = base::try_open_directory(AT_FDCWD, root_path);
    // Deleted, and perhaps made again, while we waited.
    if (!root || !is_same_folder(root->get(), id, container.dir.get())) continue;
    container = find_oci_container(root_path, id);
    return LockedContainer{std::move(container), std::move(*lock)};
  }
}

LockedContainer lock_oci_container(const std::string& root, const std::string& id) {
  if (auto locked = lock_oci_container_for(root, id, maker_patience)) return std::move(*locked);
  const OciState state = find_oci_container(root, id).state;
  if (state.is_creating)
    throw make_error(ErrorKind::in_use, "container ", base::quoted(id), " is still being created by process ",
                     state.maker.pid)
        .with_hint("wait for that, or end it with \"delete --force\"");
  if (auto locked = lock_oci_container_for(root, id, patience)) return std::move(*locked);
  throw make_error(ErrorKind::in_use, "container ", base::quoted(id), " is being changed by another process");
}

void remove_damaged_folder(const std::string& root_path, const std::string& id, std::chrono::milliseconds limit) {
  const auto root = base::try_open_directory(AT_FDCWD, root_path);
  while (root && is_damaged_folder(root->get(), root_path, id)) {
    const auto dir = base::try_open_directory(root->get(), id);
    if (!dir) return;
    const auto lock = lock_folder(dir->get(), limit);
    if (!lock)
      throw make_error(ErrorKind::in_use, "container ", base::quoted(id), " is being changed by another process");
    if (!is_same_folder(root->get(), id, dir->get()) || !is_damaged_folder(root->get(), root_path, id)) continue;
    end_waiting_process(dir->get(), id);
    base::rename_replace(root->get(), id, root->get(), passing_name());
  }
}

void remove_oci_folder(const std::string& root_path, LockedContainer locked) {
  const base::UniqueFd root = base::open_directory(AT_FDCWD, root_path);
  base::rename_replace(root.get(), locked.container.state.id, root.get(), passing_name());
  { const LockedContainer gone = std::move(locked); }  // its lock is free now, so the sweep takes it
  sweep_oci_folders(root.get());
}

base::UniqueFd open_fifo(int dir, const char* name) {
  base::UniqueFd fifo{::openat(dir, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC)};
  if (!fifo) throw base::os_error("opening FIFO ", base::quoted(name));
  return fifo;
}

bool waits_for_start(int dir) {
  const base::UniqueFd fifo{::openat(dir, start_fifo, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)};
  if (!fifo && errno != ENXIO && errno != ENOENT) throw base::os_error("opening FIFO ", base::quoted(start_fifo));
  return static_cast<bool>(fifo);
}

bool answer_start(int dir, char byte) {
  const base::UniqueFd fifo{::openat(dir, start_fifo, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC)};
  if (!fifo && (errno == ENXIO || errno == ENOENT)) return false;
  if (!fifo) throw base::os_error("opening FIFO ", base::quoted(start_fifo));
  base::write_all(fifo.get(), {&byte, 1});
  return true;
}

}  // namespace cmd
