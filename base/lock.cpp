#include "base/lock.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <mutex>
#include <sys/prctl.h>
#include <thread>
#include <tuple>
#include <unistd.h>
#include <vector>

#include "base/error.hpp"
#include "base/log.hpp"

namespace base {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds patience{1000};  // before we say whom we wait for
constexpr std::size_t max_hint_bytes = 64;

/// The ranked locks that this process holds. One list for all threads: whoever waits in one of them, the others hold
/// on.
class HeldLocks {
 public:
  static HeldLocks& of_this_process() {
    static HeldLocks held;
    return held;
  }

  std::uint64_t add(int rank, const std::string& name, FileLock::Mode mode) {
    const std::lock_guard guard(mutex_);
    for (const Held& other : held_) {
      const bool comes_before = std::tie(other.rank, other.name) < std::tie(rank, name);
      const bool shared_twice =
          std::tie(other.rank, other.name, other.mode) == std::tie(rank, name, mode) && mode == FileLock::Mode::shared;
      if (!comes_before && !shared_twice)
        throw make_error(ErrorKind::internal, "lock ", quoted(name), " is to be taken while ", quoted(other.name),
                         " is held, which is against their order");
    }
    held_.push_back({++last_number_, rank, name, mode});
    return last_number_;
  }

  void remove(std::uint64_t number) noexcept {
    const std::lock_guard guard(mutex_);
    std::erase_if(held_, [&](const Held& one) { return one.number == number; });
  }

 private:
  struct Held {
    std::uint64_t number;
    int rank;
    std::string name;
    FileLock::Mode mode;
  };
  std::mutex mutex_;
  std::vector<Held> held_;
  std::uint64_t last_number_ = 0;
};

struct flock whole_file(short type) {
  struct flock lock {};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  return lock;
}

UniqueFd open_lock_file(int dir, const std::string& name, FileLock::Mode mode) {
  UniqueFd fd{::openat(dir, name.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600)};
  // A store that others share with us read-only: a read lock needs no write permission.
  if (!fd && mode == FileLock::Mode::shared && (errno == EROFS || errno == EACCES))
    fd = UniqueFd{::openat(dir, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) throw os_error("opening lock file ", quoted(name));
  return fd;
}

bool try_lock(int fd, const std::string& name, FileLock::Mode mode) {
  struct flock lock = whole_file(mode == FileLock::Mode::shared ? F_RDLCK : F_WRLCK);
  while (::fcntl(fd, F_OFD_SETLK, &lock) != 0) {
    if (errno == EAGAIN || errno == EACCES) return false;
    if (errno != EINTR) throw os_error("locking ", quoted(name));
  }
  return true;
}

/// Says in the file who holds it. Only a hint: the truth is the kernel's lock, so failures do not matter.
void write_hint(int fd) {
  std::array<char, 16> command{};
  ::prctl(PR_GET_NAME, command.data());
  std::string hint = concat("pid ", ::getpid(), " (", command.data(), ")\n");
  hint.resize(max_hint_bytes, ' ');  // one write of a fixed size, so that no longer hint shows through
  [[maybe_unused]] const ssize_t ignored = ::pwrite(fd, hint.data(), hint.size(), 0);
}

std::string read_hint(int fd) {
  std::array<char, max_hint_bytes> buffer{};
  const ssize_t size = ::pread(fd, buffer.data(), buffer.size(), 0);
  const std::string_view text = trim({buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(size, 0))});
  return text.empty() ? "another process" : std::string{text};
}

/// Tries until the lock is ours or the deadline, if there is one, has passed.
bool lock_until(int fd, const std::string& name, FileLock::Mode mode,
                std::optional<steady_clock::time_point> deadline) {
  constexpr std::array<milliseconds, 6> pauses = {milliseconds{1},  milliseconds{2},  milliseconds{5},
                                                  milliseconds{10}, milliseconds{20}, milliseconds{50}};
  const auto start = steady_clock::now();
  bool announced = false;
  for (std::size_t attempt = 0; !try_lock(fd, name, mode); ++attempt) {
    const auto time = steady_clock::now();
    if (deadline && time >= *deadline) return false;
    if (!announced && time - start >= patience) {
      log(LogLevel::warn, "waiting for lock ", quoted(name), ", held by ", quoted(read_hint(fd)));
      announced = true;
    }
    steady_clock::duration pause = pauses[std::min(attempt, pauses.size() - 1)];
    if (deadline) pause = std::min(pause, *deadline - time);
    std::this_thread::sleep_for(pause);
  }
  if (mode == FileLock::Mode::exclusive) write_hint(fd);
  return true;
}

}  // namespace

LockOrderEntry::~LockOrderEntry() {
  if (number_ != 0) HeldLocks::of_this_process().remove(number_);
}

FileLock FileLock::acquire(int dir, const std::string& name, Mode mode, int rank) {
  LockOrderEntry entry{rank == unranked ? 0 : HeldLocks::of_this_process().add(rank, name, mode)};
  UniqueFd fd = open_lock_file(dir, name, mode);
  lock_until(fd.get(), name, mode, std::nullopt);
  return FileLock{std::move(fd), std::move(entry)};
}

std::optional<FileLock> FileLock::try_acquire(int dir, const std::string& name, Mode mode) {
  return acquire_for(dir, name, mode, milliseconds{0});
}

std::optional<FileLock> FileLock::acquire_for(int dir, const std::string& name, Mode mode, milliseconds limit) {
  UniqueFd fd = open_lock_file(dir, name, mode);
  if (!lock_until(fd.get(), name, mode, steady_clock::now() + limit)) return std::nullopt;
  return FileLock{std::move(fd)};
}

void FileLock::name_holder() const noexcept {
  write_hint(fd_.get());
}

bool FileLock::is_held(int dir, const std::string& name) {
  const UniqueFd fd{::openat(dir, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd && errno == ENOENT) return false;
  if (!fd) throw os_error("opening lock file ", quoted(name));
  // Only an exclusive lock stands in the way of a shared one.
  struct flock lock = whole_file(F_RDLCK);
  if (::fcntl(fd.get(), F_OFD_GETLK, &lock) != 0) throw os_error("asking about lock ", quoted(name));
  return lock.l_type != F_UNLCK;
}

}  // namespace base
