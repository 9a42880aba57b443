#include "storage/container_names.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "base/log.hpp"
#include "storage/damage.hpp"
#include "storage/json_record.hpp"
#include "storage/layout.hpp"

namespace storage {

namespace {

/// Whose record a name leads to.
struct Holder {
  std::string id;    ///< Empty when the record is damaged, for then the name belongs to nobody.
  std::string name;  ///< As that record has it.
};

/// @throws Error when the record cannot be read, or is a newer engine's: then it may well be somebody's.
std::optional<Holder> read_holder_at(const Store& store, const std::string& path) {
  const auto bytes = base::try_read_file(store.root(), path, max_record_bytes);
  if (!bytes) return std::nullopt;
  try {
    const base::JsonAt record = parse_record(*bytes, base::concat(base::quoted(path)));
    Holder holder{record.at("id").string(), record.string_or("name", "")};
    if (!layout::is_container_id(holder.id)) holder.id.clear();
    return holder;
  } catch (const base::Error& error) {
    if (!is_damage(error)) throw;
    base::log(base::LogLevel::warn, error.message());
    return Holder{};
  }
}

std::optional<Holder> read_holder(const Store& store, const std::string& name) {
  return read_holder_at(store, layout::container_name(name));
}

bool is_same_file(const Store& store, const std::string& one, const std::string& other) {
  struct stat first {
  }, second{};
  return ::fstatat(store.root(), one.c_str(), &first, AT_SYMLINK_NOFOLLOW) == 0 &&
         ::fstatat(store.root(), other.c_str(), &second, AT_SYMLINK_NOFOLLOW) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

/// Whether the container has this name, and not another one by now. The links of a store may have become copies.
bool has_name(const Store& store, const Holder& holder, const std::string& path) {
  const std::string folder = layout::container(holder.id);
  if (is_same_file(store, path, base::concat(folder, "/record"))) return true;
  if (!base::exists(store.root(), folder)) return false;
  const auto now = read_holder_at(store, base::concat(folder, "/record"));
  return !now || now->id.empty() || now->name == holder.name;  // a damaged record says of no name that it is stale
}

bool is_being_made(const Store& store, const Holder& holder, const std::string& path) {
  if (base::FileLock::is_held(store.root(), base::concat(unborn_container(holder.id), "/lock"))) return true;
  const std::string folder = layout::container(holder.id);
  return is_same_file(store, path, base::concat(folder, "/", renamed_record)) &&
         base::FileLock::is_held(store.root(), base::concat(folder, "/lock"));
}

bool is_there_or_being_made(const Store& store, const Holder& holder, const std::string& path) {
  if (holder.id.empty()) return false;
  // It may be born, or have its name, between the first two looks.
  return has_name(store, holder, path) || is_being_made(store, holder, path) || has_name(store, holder, path);
}

/// Names are removed only under this lock and only after another look, so nobody removes a younger reservation.
base::FileLock lock_names(const Store& store) {
  return base::FileLock::acquire(store.root(), "locks/names", base::FileLock::Mode::exclusive, lock_rank::names);
}

void remove_if_stale(const Store& store, const std::string& path) {
  const base::FileLock lock = lock_names(store);
  const auto holder = read_holder_at(store, path);
  if (holder && !is_there_or_being_made(store, *holder, path)) base::unlink_file(store.root(), path);
}

base::Error name_is_taken(const std::string& name, const std::string& id) {
  return {base::ErrorKind::already_exists,
          base::concat("the container name ", base::quoted(name), " is already in use by ", id),
          base::concat("remove that container with \"engine rm ", name, "\", or choose another name")};
}

}  // namespace

std::string unborn_container(const std::string& id) {
  return base::concat("containers/.new-", id);
}

void reserve_name(const Store& store, const std::string& name, const std::string& record) {
  const std::string path = layout::container_name(name);
  constexpr int max_attempts = 16;  // each further one means that another process took and lost the name meanwhile
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    if (::linkat(store.root(), record.c_str(), store.root(), path.c_str(), 0) == 0) return;
    if (errno != EEXIST) throw base::os_error("reserving the container name ", base::quoted(name));
    const auto holder = read_holder(store, name);
    if (!holder) continue;
    if (is_there_or_being_made(store, *holder, path)) throw name_is_taken(name, holder->id);
    remove_if_stale(store, path);
  }
  throw base::make_error(base::ErrorKind::already_exists, "the container name ", base::quoted(name),
                         " is being taken by others again and again");
}

void free_name(const Store& store, const std::string& name, const std::string& id) {
  if (name.empty()) return;
  const base::FileLock lock = lock_names(store);
  const auto holder = read_holder(store, name);
  if (holder && holder->id == id) base::unlink_file(store.root(), layout::container_name(name));
}

void remove_stale_names(const Store& store) {
  // By the files' own names: that of a long name is a hash.
  for (const std::string& file : base::list_directory(store.root(), "names")) {
    try {
      if (file.front() != '.') remove_if_stale(store, base::concat("names/", file));
    } catch (const base::Error& error) {  // it stays, which hinders nobody but who wants that name
      base::log(base::LogLevel::warn, error.message());
    }
  }
}

bool is_name_in_use(const Store& store, const std::string& name) {
  const auto holder = read_holder(store, name);
  // Without a file it went away while we looked.
  return !holder || is_there_or_being_made(store, *holder, layout::container_name(name));
}

std::optional<std::string> id_of_name(const Store& store, const std::string& name) {
  const auto holder = read_holder(store, name);
  if (!holder) return std::nullopt;
  const std::string path = layout::container_name(name);
  if (is_there_or_being_made(store, *holder, path)) return holder->id;
  remove_if_stale(store, path);
  return std::nullopt;
}

}  // namespace storage
