#include "storage/container_names.hpp"

#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "storage/damage.hpp"
#include "storage/json_record.hpp"
#include "storage/layout.hpp"

namespace storage {

namespace {

/// The id in the record at `path`; empty when it is damaged, for then the name belongs to nobody.
/// @throws Error when the record cannot be read, or is a newer engine's: then it may well be somebody's.
std::optional<std::string> read_id_at(const Store& store, const std::string& path) {
  const auto bytes = base::try_read_file(store.root(), path, max_record_bytes);
  if (!bytes) return std::nullopt;
  try {
    std::string id = parse_record(*bytes, base::concat(base::quoted(path))).at("id").string();
    return layout::is_container_id(id) ? id : std::string{};
  } catch (const base::Error& error) {
    if (!is_damage(error)) throw;
    base::log(base::LogLevel::warn, error.message());
    return std::string{};
  }
}

std::optional<std::string> read_id(const Store& store, const std::string& name) {
  return read_id_at(store, layout::container_name(name));
}

bool is_there_or_being_made(const Store& store, const std::string& id) {
  if (id.empty()) return false;
  if (base::exists(store.root(), layout::container(id))) return true;
  if (base::FileLock::is_held(store.root(), base::concat(unborn_container(id), "/lock"))) return true;
  return base::exists(store.root(), layout::container(id));  // it may have been born between the two looks
}

/// Names are removed only under this lock and only after another look, so nobody removes a younger reservation.
base::FileLock lock_names(const Store& store) {
  return base::FileLock::acquire(store.root(), "locks/names", base::FileLock::Mode::exclusive, lock_rank::names);
}

void remove_if_stale(const Store& store, const std::string& path) {
  const base::FileLock lock = lock_names(store);
  const auto id = read_id_at(store, path);
  if (id && !is_there_or_being_made(store, *id)) base::unlink_file(store.root(), path);
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

void reserve_name(const Store& store, const std::string& name, const std::string& id) {
  const std::string record = base::concat(unborn_container(id), "/record");
  const std::string path = layout::container_name(name);
  constexpr int max_attempts = 16;  // each further one means that another process took and lost the name meanwhile
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    if (::linkat(store.root(), record.c_str(), store.root(), path.c_str(), 0) == 0) return;
    if (errno != EEXIST) throw base::os_error("reserving the container name ", base::quoted(name));
    const auto holder = read_id(store, name);
    if (!holder) continue;
    if (is_there_or_being_made(store, *holder)) throw name_is_taken(name, *holder);
    remove_if_stale(store, path);
  }
  throw base::make_error(base::ErrorKind::already_exists, "the container name ", base::quoted(name),
                         " is being taken by others again and again");
}

void free_name(const Store& store, const std::string& name, const std::string& id) {
  if (name.empty()) return;
  const base::FileLock lock = lock_names(store);
  if (read_id(store, name) == id) base::unlink_file(store.root(), layout::container_name(name));
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
  const auto id = read_id(store, name);
  return !id || is_there_or_being_made(store, *id);  // without a file it went away while we looked
}

std::optional<std::string> id_of_name(const Store& store, const std::string& name) {
  const auto id = read_id(store, name);
  if (!id) return std::nullopt;
  if (is_there_or_being_made(store, *id)) return id;
  remove_if_stale(store, layout::container_name(name));
  return std::nullopt;
}

}  // namespace storage
