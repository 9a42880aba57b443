#include "storage/containers.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "base/scope_exit.hpp"
#include "storage/container_names.hpp"
#include "storage/container_records.hpp"
#include "storage/json_record.hpp"
#include "storage/layout.hpp"
#include "storage/place.hpp"
#include "storage/prune.hpp"
#include "storage/trash.hpp"

namespace storage {

namespace {

constexpr const char* lock_name = "lock";
constexpr const char* alive_name = "alive";

/// The modes of a record. What is not flushed may come back without its bytes, but not with another mode.
constexpr mode_t flushed = S_IRUSR | S_IWUSR, unflushed = S_IRWXU;

/// The folder is not visible yet, so a plain write is atomic enough.
void write_new_file(int dir, const char* name, std::string_view bytes, bool durable) {
  const mode_t mode = durable ? flushed : unflushed;
  const base::UniqueFd fd{::openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode)};
  if (!fd) throw base::os_error("creating ", base::quoted(name));
  base::with_context([&] { base::write_all(fd.get(), bytes); }, "writing ", base::quoted(name));
  if (durable) base::flush(fd.get(), name);
}

void check_new_record(const ContainerRecord& record) {
  if (!layout::is_container_id(record.id)) {
    throw base::make_error(base::ErrorKind::internal, base::quoted(record.id), " is not a container id");
  }
  if (!record.name.empty() && !layout::is_object_name(record.name)) {
    throw base::make_error(base::ErrorKind::invalid_argument, "the container name ", base::quoted(record.name),
                           " does not match [a-zA-Z0-9][a-zA-Z0-9_.-]*");
  }
}

/// One that is only for its `run --rm` is removed if that dies, finished or not.
bool needs_finish(const ContainerRecord& record) {
  return !record.only_for_run;
}

void fill(int dir, const ContainerRecord& record, std::string_view config_json, bool durable) {
  write_new_file(dir, "record", render_record(record), durable);
  if (needs_finish(record)) write_new_file(dir, "state", unfinished_state, durable);
  write_new_file(dir, "config.json", config_json, durable);
  if (durable) base::flush(dir, "the container's folder");
}

void flush_folder(const Store& store, const char* folder) {
  base::flush(base::open_directory(store.root(), folder).get(), folder);
}

/// Gives the folder its final name: from here on the container exists.
std::string publish(const Store& store, const std::string& id) {
  std::string path = layout::container(id);
  if (base::rename_no_replace(store.root(), unborn_container(id), store.root(), path)) return path;
  throw base::make_error(base::ErrorKind::already_exists, "there is a container ", id, " already");
}

/// Whatever `undo` throws is only logged: an error is on its way already.
template <class Undo>
auto undo_on_failure(Undo undo) {
  return base::on_scope_exit([undo]() noexcept {
    try {
      undo();
    } catch (const base::Error& error) {
      base::log(base::LogLevel::warn, error.message());
    }
  });
}

bool is_blank(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

base::Error removed(const ContainerDir& container) {
  return base::make_error(base::ErrorKind::not_found, "container ", container.id, " was removed");
}

bool is_in_place(const ContainerDir& container) {
  struct stat here {
  }, there{};
  if (::fstat(container.dir.get(), &here) != 0) throw base::os_error("looking at the folder of a container");
  const std::string place = base::concat("../", container.id);
  if (::fstatat(container.dir.get(), place.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0)
    return here.st_dev == there.st_dev && here.st_ino == there.st_ino;
  if (errno != ENOENT) throw base::os_error("looking for container ", container.id);
  return false;
}

/// A container that was removed is in the trash, and whoever empties that may have deleted its lock files already: one
/// that is opened there is new, and keeps nobody from deleting the rest.
template <class Acquire>
auto lock_in_place(const ContainerDir& container, const Acquire& acquire) {
  if (!is_in_place(container)) throw removed(container);
  try {
    auto lock = acquire();
    if (is_in_place(container)) return lock;
  } catch (const base::Error& error) {
    if (error.kind() != base::ErrorKind::not_found) throw;
  }
  throw removed(container);
}

std::optional<ContainerDir> find_by_prefix(const Store& store, std::string_view prefix) {
  if (prefix.empty() || prefix.size() >= 64 || !layout::is_lower_hex(prefix)) return std::nullopt;
  std::optional<ContainerDir> found;
  for (const std::string& id : list_container_ids(store)) {
    if (id.compare(0, prefix.size(), prefix) != 0) continue;
    if (found) {
      throw base::Error{base::ErrorKind::invalid_argument,
                        base::concat("more than one container has an id that begins with ", base::quoted(prefix)),
                        "give more digits of the id, or the name"};
    }
    found = open_container(store, id);
  }
  return found;
}

}  // namespace

BornContainer create_container(const Store& store, const GcHold&, const ContainerRecord& record,
                               std::string_view config_json, bool durable) {
  check_new_record(record);
  std::string path = unborn_container(record.id);
  if (::mkdirat(store.root(), path.c_str(), 0700) != 0) {
    base::Error error = base::os_error("making the container's folder");
    if (error.code() == EROFS) throw std::move(error).with_hint(read_only_hint);
    throw error;
  }
  auto discard_folder = undo_on_failure([&] { discard(store, path); });
  ContainerDir container{record.id, base::open_directory(store.root(), path)};
  const base::FileLock lock =
      base::FileLock::acquire(container.dir.get(), lock_name, base::FileLock::Mode::exclusive, lock_rank::container);
  base::FileLock alive = base::FileLock::acquire(container.dir.get(), alive_name, base::FileLock::Mode::exclusive);
  fill(container.dir.get(), record, config_json, durable);
  if (!record.name.empty()) reserve_name(store, record.name, base::concat(path, "/record"));
  auto give_name_back = undo_on_failure([&] { free_name(store, record.name, record.id); });
  // The name first: power loss leaves one without a container, which is swept away, but no container without its name.
  if (durable) flush_folder(store, "names");
  path = publish(store, record.id);
  if (durable) flush_folder(store, "containers");
  give_name_back.cancel();
  discard_folder.cancel();
  return {std::move(container), std::move(alive)};
}

void finish_container(const ContainerDir& container) {
  base::unlink_file(container.dir.get(), "state");
}

std::optional<ContainerDir> open_container(const Store& store, const std::string& id) {
  auto dir = base::try_open_directory(store.root(), layout::container(id));
  if (!dir) return std::nullopt;
  return ContainerDir{id, std::move(*dir)};
}

std::optional<ContainerDir> find_container(const Store& store, std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (layout::is_container_id(text)) {
    if (auto container = open_container(store, std::string{text})) return container;
  }
  if (const auto id = id_of_name(store, std::string{text})) {
    if (auto container = open_container(store, *id)) return container;
  }
  return find_by_prefix(store, text);
}

std::vector<std::string> list_container_ids(const Store& store) {
  std::vector<std::string> ids;
  bool has_unborn = false;
  for (std::string& name : base::list_directory(store.root(), "containers")) {
    if (layout::is_container_id(name)) {
      ids.push_back(std::move(name));
    } else {
      has_unborn = has_unborn || name.rfind(".new-", 0) == 0;
    }
  }
  if (has_unborn) remove_unborn_containers(store);
  if (base::list_directory(store.root(), "names").size() > ids.size()) remove_stale_names(store);
  return ids;
}

std::vector<ContainerDir> list_containers(const Store& store) {
  std::vector<ContainerDir> containers;
  for (const std::string& id : list_container_ids(store)) {
    if (auto container = open_container(store, id)) containers.push_back(std::move(*container));
  }
  return containers;
}

ContainerRecord read_record(const ContainerDir& container) {
  const auto bytes = base::try_read_file(container.dir.get(), "record", max_record_bytes);
  if (!bytes || (is_blank(*bytes) && is_lost(container))) throw removed(container);
  return parse_container_record(*bytes, base::concat("record of container ", container.id));
}

base::FileLock lock_container(const ContainerDir& container) {
  return lock_in_place(container, [&] {
    return base::FileLock::acquire(container.dir.get(), lock_name, base::FileLock::Mode::exclusive,
                                   lock_rank::container);
  });
}

bool is_lost(const ContainerDir& container) {
  struct stat info {};
  if (::fstatat(container.dir.get(), "record", &info, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return false;
    throw base::os_error("looking at the record of container ", container.id);
  }
  if (!S_ISREG(info.st_mode) || (info.st_mode & S_IXUSR) == 0) return false;
  const auto bytes = base::try_read_file(container.dir.get(), "record", max_record_bytes);
  return bytes && is_blank(*bytes);
}

std::string read_config_json(const ContainerDir& container, std::size_t max_bytes) {
  if (auto bytes = base::try_read_file(container.dir.get(), "config.json", max_bytes)) return std::move(*bytes);
  if (!is_in_place(container)) throw removed(container);
  throw base::make_error(base::ErrorKind::corrupt, "container ", container.id.substr(0, 12), " has no config.json")
      .with_hint("engine system check --repair");
}

void write_config_json(const ContainerDir& container, const base::FileLock&, std::string_view json, bool durable) {
  base::write_file_atomically(container.dir.get(), "config.json", json,
                              durable ? base::Durability::flushed : base::Durability::volatile_);
}

bool is_monitored(const ContainerDir& container) {
  return base::FileLock::is_held(container.dir.get(), alive_name);
}

std::optional<base::FileLock> try_lock_alive(const ContainerDir& container, std::chrono::milliseconds patience) {
  return lock_in_place(container, [&] {
    return base::FileLock::acquire_for(container.dir.get(), alive_name, base::FileLock::Mode::exclusive, patience);
  });
}

void remove_container(const Store& store, const ContainerDir& container, const base::FileLock&) {
  std::string name;
  bool is_only_for_now = false;
  try {
    const ContainerRecord record = read_record(container);
    name = record.name;
    is_only_for_now = record.auto_remove;
  } catch (const base::Error& error) {  // a damaged record must not make it undeletable; its name frees itself
    base::log(base::LogLevel::warn, error.message());
  }
  const std::string trashed = move_to_trash(store, layout::container(container.id));
  // Power loss may not bring the folder back without its name or its volumes. Nobody relies on a --rm container.
  if (!is_only_for_now) flush_folder(store, "containers");
  free_name(store, name, container.id);  // killed before this, we leave a name that frees itself
  base::unlink_file(container.dir.get(), "record");
  delete_trashed(store, trashed);
}

}  // namespace storage
