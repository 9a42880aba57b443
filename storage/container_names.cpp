#include "storage/container_names.hpp"

#include "base/error.hpp"
#include "base/fs.hpp"
#include "storage/layout.hpp"

namespace storage {

namespace {

constexpr std::size_t max_name_file_bytes = 8 * 1024;

std::optional<std::string> read_id(const Store& store, const std::string& name) {
  const auto bytes = base::try_read_file(store.root(), layout::container_name(name), max_name_file_bytes);
  if (!bytes) return std::nullopt;
  std::string id{base::split(base::trim(*bytes), ' ').front()};
  if (!layout::is_container_id(id)) return std::string{};  // damaged: belongs to nobody
  return id;
}

bool is_there_or_being_made(const Store& store, const std::string& id) {
  if (id.empty()) return false;
  if (base::exists(store.root(), layout::container(id))) return true;
  if (base::FileLock::is_held(store.root(), base::concat(unborn_container(id), "/lock"))) return true;
  return base::exists(store.root(), layout::container(id));  // it may have been born between the two looks
}

/// Names are removed only under this lock and only after another look, so nobody removes a younger reservation.
base::FileLock lock_names(const Store& store) {
  return base::FileLock::acquire(store.root(), "locks/names", base::FileLock::Mode::exclusive);
}

void remove_if_stale(const Store& store, const std::string& name) {
  const base::FileLock lock = lock_names(store);
  const auto id = read_id(store, name);
  if (id && !is_there_or_being_made(store, *id)) base::unlink_file(store.root(), layout::container_name(name));
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

void reserve_name(const Store& store, const std::string& name, const std::string& id, bool durable) {
  const std::string encoded = layout::encode_name(name);
  const std::string text = encoded.front() == '~' ? base::concat(id, " ", name, "\n") : base::concat(id, "\n");
  const base::UniqueFd names = base::open_directory(store.root(), "names");
  const auto durability = durable ? base::Durability::flushed : base::Durability::volatile_;
  constexpr int max_attempts = 16;  // each further one means that another process took and lost the name meanwhile
  for (int attempt = 0; attempt < max_attempts; ++attempt) {
    if (base::create_file_exclusively(names.get(), encoded, text, durability)) return;
    const auto holder = read_id(store, name);
    if (!holder) continue;
    if (is_there_or_being_made(store, *holder)) throw name_is_taken(name, *holder);
    remove_if_stale(store, name);
  }
  throw base::make_error(base::ErrorKind::already_exists, "the container name ", base::quoted(name),
                         " is being taken by others again and again");
}

void free_name(const Store& store, const std::string& name, const std::string& id) {
  if (name.empty()) return;
  const base::FileLock lock = lock_names(store);
  if (read_id(store, name) == id) base::unlink_file(store.root(), layout::container_name(name));
}

std::optional<std::string> id_of_name(const Store& store, const std::string& name) {
  const auto id = read_id(store, name);
  if (!id) return std::nullopt;
  if (is_there_or_being_made(store, *id)) return id;
  remove_if_stale(store, name);
  return std::nullopt;
}

}  // namespace storage
