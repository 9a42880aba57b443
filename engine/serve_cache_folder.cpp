#include "engine/serve_cache_folder.hpp"

#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vector>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/oci/manifest.hpp"
#include "base/text.hpp"

namespace engine {
namespace {

constexpr std::size_t max_tag_file_bytes = 256;
constexpr std::size_t max_tags = 100'000;
/// What one file costs whatever it holds, so that many small ones count, too.
constexpr std::uint64_t file_cost_bytes = 4096;

/// A name as the name of a file: it may hold what that may not.
std::string file_for(const std::string& name) {
  return std::string{base::sha256(name).hex()};
}

std::string owner_file(const std::string& repository, const base::Digest& digest) {
  return base::concat(digest.hex(), '/', file_for(repository));
}

}  // namespace

CacheFolder::CacheFolder(const std::string& path, std::uint64_t max_bytes) : max_bytes_(max_bytes) {
  const base::UniqueFd top = base::open_directory(AT_FDCWD, "/");
  folder_ = base::make_directories(top.get(), path.substr(1));
  lock_ = base::FileLock::try_acquire(folder_.get(), "lock", base::FileLock::Mode::exclusive);
  if (!lock_)
    throw base::make_error(base::ErrorKind::in_use, base::quoted(path), " is served by another process")
        .with_hint("use its server, or another --cache");
  base::remove_tree(folder_.get(), "incoming");  // of a process that was killed
  incoming_ = base::make_directory(folder_.get(), "incoming");
  blobs_ = base::make_directory(folder_.get(), "blobs");
  owners_ = base::make_directory(folder_.get(), "owners");
  tags_ = base::make_directory(folder_.get(), "tags");
  look_around();
}

/// What an earlier process kept, in the order in which it was used last.
void CacheFolder::look_around() {
  struct Found {
    timespec used;
    std::string name;
    std::uint64_t size_bytes;
  };
  std::vector<Found> found;
  for (const std::string& name : base::list_directory(blobs_.get(), ".")) {
    struct stat status {};
    if (::fstatat(blobs_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    found.push_back({status.st_mtim, name, static_cast<std::uint64_t>(status.st_size)});
  }
  std::sort(found.begin(), found.end(), [](const Found& a, const Found& b) {
    return std::pair{a.used.tv_sec, a.used.tv_nsec} < std::pair{b.used.tv_sec, b.used.tv_nsec};
  });
  for (const Found& blob : found) note(blob.name, blob.size_bytes);
  tag_count_ = base::list_directory(tags_.get(), ".").size();
  make_room(0);
}

void CacheFolder::note(const std::string& name, std::uint64_t size_bytes) {
  Kept& kept = kept_[name];
  if (kept.used != 0) kept_bytes_ -= kept.size_bytes;
  kept = {size_bytes + file_cost_bytes, ++clock_};
  kept_bytes_ += kept.size_bytes;
}

/// Removes what was not used for longest. False: what is on its way takes the room.
bool CacheFolder::make_room(std::uint64_t size_bytes) {
  if (max_bytes_ == 0) return true;
  if (coming_bytes_ + size_bytes > max_bytes_) return false;
  while (kept_bytes_ > max_bytes_ - coming_bytes_ - size_bytes) {
    const auto oldest = std::min_element(kept_.begin(), kept_.end(),
                                         [](const auto& a, const auto& b) { return a.second.used < b.second.used; });
    base::remove_tree(owners_.get(), oldest->first);
    base::unlink_file(blobs_.get(), oldest->first);  // who reads it has it open
    kept_bytes_ -= oldest->second.size_bytes;
    kept_.erase(oldest);
  }
  return true;
}

std::optional<base::UniqueFd> CacheFolder::open(const std::string& repository, const base::Digest& digest) {
  const std::lock_guard lock(mutex_);
  const std::string name{digest.hex()};
  const auto kept = kept_.find(name);
  if (kept == kept_.end() || !base::exists(owners_.get(), owner_file(repository, digest))) return std::nullopt;
  kept->second.used = ++clock_;
  auto fd = base::try_open_file(blobs_.get(), name);
  // For the order after a restart; where that is refused the order is the one in which they came.
  if (fd) static_cast<void>(::futimens(fd->get(), nullptr));
  return fd;
}

bool CacheFolder::has(const base::Digest& digest) {
  const std::lock_guard lock(mutex_);
  return kept_.contains(std::string{digest.hex()});
}

void CacheFolder::add_owner(const std::string& repository, const base::Digest& digest) {
  const std::lock_guard lock(mutex_);
  if (!kept_.contains(std::string{digest.hex()})) return;
  const base::UniqueFd folder = base::make_directory(owners_.get(), std::string{digest.hex()});
  base::create_file_exclusively(folder.get(), file_for(repository), "", base::Durability::volatile_);
}

bool CacheFolder::is_owner(const std::string& repository, const base::Digest& digest) const {
  const std::lock_guard lock(mutex_);
  return base::exists(owners_.get(), owner_file(repository, digest));
}

std::optional<std::string> CacheFolder::read_manifest(const base::Digest& digest) {
  auto bytes = base::try_read_file(blobs_.get(), std::string{digest.hex()}, oci::max_manifest_bytes);
  if (bytes && base::sha256(*bytes) != digest) bytes.reset();
  return bytes;
}

void CacheFolder::keep_manifest(const base::Digest& digest, const std::string& bytes) {
  const std::lock_guard lock(mutex_);
  if (!make_room(bytes.size() + file_cost_bytes)) return;
  base::write_file_atomically(blobs_.get(), std::string{digest.hex()}, bytes);
  note(std::string{digest.hex()}, bytes.size());
}

std::optional<base::Digest> CacheFolder::read_tag(const std::string& name) const {
  const auto kept = base::try_read_file(tags_.get(), file_for(name), max_tag_file_bytes);
  return kept ? std::optional{base::Digest::parse(*kept)} : std::nullopt;
}

void CacheFolder::keep_tag(const std::string& name, const base::Digest& digest) {
  const std::lock_guard lock(mutex_);
  const auto kept = base::try_read_file(tags_.get(), file_for(name), max_tag_file_bytes);
  if (kept == digest.text() || (!kept && tag_count_ >= max_tags)) return;
  base::write_file_atomically(tags_.get(), file_for(name), digest.text(), base::Durability::volatile_);
  if (!kept) ++tag_count_;
}

std::optional<CacheFolder::Incoming> CacheFolder::begin(std::uint64_t size_bytes) {
  const std::lock_guard lock(mutex_);
  if (max_bytes_ != 0 && size_bytes > max_bytes_)
    throw base::make_error(base::ErrorKind::no_space, "a blob of ", size_bytes, " bytes is larger than the cache");
  if (!make_room(size_bytes)) return std::nullopt;
  Incoming incoming{std::to_string(++names_), size_bytes, {}};
  incoming.file =
      base::UniqueFd{::openat(incoming_.get(), incoming.name.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600)};
  if (!incoming.file) throw base::os_error("creating ", base::quoted(incoming.name));
  coming_bytes_ += size_bytes;
  return incoming;
}

void CacheFolder::keep(const Incoming& incoming, int fd, const base::Digest& digest) {
  const std::string name{digest.hex()};
  base::flush(fd, name);
  const std::lock_guard lock(mutex_);
  base::rename_replace(incoming_.get(), incoming.name, blobs_.get(), name);
  coming_bytes_ -= incoming.size_bytes;
  note(name, incoming.size_bytes);
}

void CacheFolder::give_up(const Incoming& incoming) noexcept {
  const std::lock_guard lock(mutex_);
  ::unlinkat(incoming_.get(), incoming.name.c_str(), 0);
  coming_bytes_ -= incoming.size_bytes;
}

}  // namespace engine
