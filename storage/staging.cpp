#include "storage/staging.hpp"

#include <sys/stat.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "storage/place.hpp"
#include "storage/trash.hpp"

namespace storage {

namespace {

constexpr const char* lock_name = ".lock";
constexpr const char* keep_name = "keep";
constexpr std::size_t max_keep_bytes = 1024 * 1024;

bool is_stale(int staging, const std::string& name) {
  return !base::FileLock::is_held(staging, base::concat(name, "/", lock_name));
}

base::FileLock register_staging(const Store& store) {
  try {
    return base::FileLock::acquire(store.root(), "locks/staging", base::FileLock::Mode::exclusive, lock_rank::staging);
  } catch (base::Error& error) {
    if (error.code() != EROFS) throw;
    throw std::move(error).with_hint(read_only_hint);
  }
}

}  // namespace

Staging Staging::begin(const Store& store) {
  const base::UniqueFd staging = base::open_directory(store.root(), "staging");
  std::string name = base::random_hex(8);
  std::vector<std::string> stale;
  // While this is held nobody is between the making of a folder and of its lock, so "not locked" means "dead".
  auto registration = std::optional{register_staging(store)};
  for (const std::string& other : base::list_directory(staging.get(), ".")) {
    if (is_stale(staging.get(), other)) stale.push_back(move_to_trash(store, base::concat("staging/", other)));
  }
  base::UniqueFd dir = base::make_directory(staging.get(), name);
  base::FileLock lock = base::FileLock::acquire(dir.get(), lock_name, base::FileLock::Mode::exclusive);
  registration.reset();
  for (const std::string& trashed : stale) delete_trashed(store, trashed);
  return Staging{store, std::move(name), std::move(dir), std::move(lock)};
}

Staging::~Staging() {
  if (!dir_) return;
  try {
    discard(*store_, base::concat("staging/", name_));
  } catch (const base::Error& error) {  // stale as soon as we end: the next one removes it
    base::log(base::LogLevel::debug, "removing staging folder ", name_, ": ", error.message());
  }
}

void Staging::flush() const {
  base::flush_filesystem(dir_.get());
}

void Staging::keep(const GcHold&, const std::vector<base::Digest>& digests) const {
  std::string text;
  for (const base::Digest& digest : digests) text += base::concat(digest, "\n");
  base::write_file_atomically(dir_.get(), keep_name, text, base::Durability::volatile_);
}

void Staging::let_go(const GcHold&) const {
  base::unlink_file(dir_.get(), keep_name);
}

std::vector<base::Digest> kept_by_staging(const Store& store) {
  std::vector<base::Digest> kept;
  for (const std::string& name : base::list_directory(store.root(), "staging")) {
    if (!base::FileLock::is_held(store.root(), base::concat("staging/", name, "/", lock_name))) continue;
    const auto text = base::try_read_file(store.root(), base::concat("staging/", name, "/", keep_name), max_keep_bytes);
    if (!text) continue;
    for (const std::string_view line : base::split(base::trim(*text), '\n')) {
      if (!line.empty()) kept.push_back(base::Digest::parse(line));
    }
  }
  return kept;
}

bool remove_stale_staging(const Store& store) {
  bool is_clean = true;
  std::vector<std::string> stale;
  {
    const auto registration =
        base::FileLock::acquire(store.root(), "locks/staging", base::FileLock::Mode::exclusive, lock_rank::staging);
    const base::UniqueFd staging = base::open_directory(store.root(), "staging");
    for (const std::string& name : base::list_directory(staging.get(), ".")) {
      if (is_stale(staging.get(), name)) stale.push_back(move_to_trash(store, base::concat("staging/", name)));
    }
  }
  for (const std::string& trashed : stale) is_clean = delete_trashed(store, trashed) && is_clean;
  return is_clean;
}

}  // namespace storage
