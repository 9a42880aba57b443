// What changes of a container: its state, and the note of its start that stands in for a lost one.
#include <algorithm>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/log.hpp"
#include "storage/container_list.hpp"
#include "storage/container_records.hpp"
#include "storage/damage.hpp"
#include "storage/json_record.hpp"

namespace storage {

namespace {

constexpr const char* alive_name = "alive";
/// In `alive`, behind the holder's name, for which FileLock takes this many bytes.
constexpr off_t start_note_offset = 64;

/// A container's files, by the open folder of all containers or by its own (`prefix` is empty then).
struct Place {
  int dir;
  std::string prefix;
  const std::string& id;
};

bool has_start_note(const Place& place) {
  struct stat status {};
  return ::fstatat(place.dir, base::concat(place.prefix, alive_name).c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 &&
         status.st_size > start_note_offset;
}

std::optional<ContainerState> read_start_note(const Place& place) {
  if (!has_start_note(place)) return std::nullopt;
  const auto bytes = base::try_read_file(place.dir, base::concat(place.prefix, alive_name), max_record_bytes);
  if (!bytes || bytes->size() <= static_cast<std::size_t>(start_note_offset)) return std::nullopt;
  try {
    return parse_state(bytes->substr(static_cast<std::size_t>(start_note_offset)), "lock file of container ", place.id);
  } catch (const base::Error& error) {
    if (error.kind() == base::ErrorKind::unsupported) throw;
    base::log(base::LogLevel::info, error.message());  // killed while writing it
    return std::nullopt;
  }
}

/// States are not flushed, so a file system may bring back an empty one after power loss. What ran then runs no more.
ContainerState lost_state() {
  ContainerState state;
  state.status = "exited";
  state.exit_code = 255;
  state.error = "the state was lost, as when the host goes down";
  return state;
}

ContainerState read_state_at(const Place& place, SmallFiles& files) {
  try {
    const auto bytes = files.read(place.dir, base::concat(place.prefix, "state"), max_record_bytes);
    if (bytes && !bytes->empty()) return parse_state(*bytes, "state of container ", place.id);
    if (auto started = read_start_note(place)) return *started;
    return bytes ? lost_state() : ContainerState{};
  } catch (const base::Error& error) {
    // What cannot be read now is not lost: taken for "exited", a container that runs could be removed.
    if (!is_damage(error) && error.kind() != base::ErrorKind::unsupported) throw;
    if (auto started = read_start_note(place)) return *started;
    if (error.kind() == base::ErrorKind::unsupported) throw;
    base::log(base::LogLevel::warn, error.message());
    return lost_state();
  }
}

}  // namespace

ContainerState read_state(const ContainerDir& container) {
  SmallFiles files;
  return read_state_at({container.dir.get(), "", container.id}, files);
}

void write_state(const ContainerDir& container, const base::FileLock&, const ContainerState& state) {
  base::write_file_atomically(container.dir.get(), "state", render_state(state), base::Durability::volatile_);
}

void note_start(const base::FileLock& alive, const ContainerState& state) {
  forget_start(alive);
  const std::string text = render_state(state);
  if (::pwrite(alive.fd(), text.data(), text.size(), start_note_offset) != static_cast<ssize_t>(text.size()))
    throw base::os_error("noting the start of the container in its lock file");
}

void forget_start(const base::FileLock& alive) {
  if (::ftruncate(alive.fd(), start_note_offset) != 0) throw base::os_error("preparing the container's lock file");
}

ContainerState ContainerList::state(const std::string& id) {
  return read_state_at({folder_.get(), base::concat(id, "/"), id}, files_);
}

}  // namespace storage
