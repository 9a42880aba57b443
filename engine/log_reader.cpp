#include "engine/log_reader.hpp"

#include <algorithm>
#include <fcntl.h>
#include <functional>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/process.hpp"
#include "engine/watch.hpp"

namespace engine {

namespace {

constexpr std::size_t read_bytes = 64 * 1024;

/// Where a container's log is: its folder, or where --log-opt path= says.
struct LogPlace {
  base::UniqueFd elsewhere;
  int folder = -1;
  std::string name = "log";
  unsigned files = 2;

  std::string file(unsigned number) const { return number == 0 ? name : base::concat(name, '.', number); }
};
/// Cuts a growing file into lines.
class LineReader {
 public:
  using Use = std::function<void(std::string_view line)>;
  explicit LineReader(base::UniqueFd fd) : fd_(std::move(fd)) {}
  /// Reads once, and calls `use` for each line that is complete then. False at the end, or when nothing is there now.
  bool each_line_of_block(const Use& use);
  bool is_at_end() const { return is_at_end_; }
  int fd() const { return fd_.get(); }
  /// How many times the log was rotated since this file was the current one; nothing when it is gone.
  std::optional<unsigned> rotations(const LogPlace& place) const;

 private:
  base::UniqueFd fd_;
  std::string rest_;
  bool is_at_end_ = false;
};

bool LineReader::each_line_of_block(const Use& use) {
  char buffer[read_bytes];
  const ssize_t got = ::read(fd_.get(), buffer, sizeof buffer);
  if (got < 0 && errno == EINTR) return true;
  if (got < 0 && errno == EAGAIN) return false;
  if (got < 0) throw base::os_error("reading a log");
  if (got == 0) {
    is_at_end_ = true;
    return false;
  }
  rest_.append(buffer, static_cast<std::size_t>(got));
  std::size_t start = 0;
  for (std::size_t end; (end = rest_.find('\n', start)) != std::string::npos; start = end + 1)
    use(std::string_view{rest_}.substr(start, end - start));
  rest_.erase(0, start);
  return true;
}

std::optional<unsigned> LineReader::rotations(const LogPlace& place) const {
  struct stat opened {};
  if (::fstat(fd_.get(), &opened) != 0) return std::nullopt;
  for (unsigned number = 0; number < place.files; ++number) {
    struct stat named {};
    if (::fstatat(place.folder, place.file(number).c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
        named.st_ino == opened.st_ino)
      return number;
  }
  return std::nullopt;
}

LogPlace find_log(const storage::ContainerDir& container) {
  const Watch watch = read_watch(container);
  LogPlace place;
  place.files = std::max(watch.log_max_files, 2U);
  place.folder = container.dir.get();
  if (watch.log_path.empty()) return place;
  const std::size_t slash = watch.log_path.rfind('/');
  place.name = watch.log_path.substr(slash + 1);
  place.elsewhere = base::open_directory(AT_FDCWD, slash == 0 ? "/" : watch.log_path.substr(0, slash));
  place.folder = place.elsewhere.get();
  return place;
}

base::UniqueFd watch_log(const LogPlace& place) {
  base::UniqueFd fd{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
  if (!fd) throw base::os_error("watching the log");
  const std::string path = base::concat("/proc/self/fd/", place.folder, "/", place.name);
  ::inotify_add_watch(fd.get(), path.c_str(), IN_MODIFY);
  return fd;
}

/// After a file's last line: goes on with the one that came after it. False, when it is the current one.
bool read_next(const LogPlace& place, LineReader& reader, base::UniqueFd* events) {
  const auto passed = reader.rotations(place);
  if (passed == 0U) return false;
  // One that was exchanged more often than files are kept is gone: the oldest is next.
  const unsigned next = passed ? *passed - 1 : place.files - 1;
  auto file = base::try_open_file(place.folder, place.file(next));
  if (!file && passed) return false;                             // at this very moment
  if (passed && reader.rotations(place) != passed) return true;  // rotated meanwhile: it was another file
  if (next == 0 && events != nullptr) *events = watch_log(place);
  if (file) reader = LineReader{std::move(*file)};
  return static_cast<bool>(file);
}

JournalLine line_of(const LogLine& line) {
  return {std::string{line.time}, line.is_stderr, line.is_partial, std::string{line.text}};
}

class FileSource : public LogSource {
 public:
  explicit FileSource(const storage::ContainerDir& container) : place_(find_log(container)) {}
  bool read(std::deque<JournalLine>& lines) override {
    if (!reader_ && !open_oldest()) return false;
    const auto use = [&](std::string_view text) {
      if (const auto line = parse_log_line(text)) lines.push_back(line_of(*line));
    };
    return reader_->each_line_of_block(use) || read_next(place_, *reader_, events_ ? &events_ : nullptr);
  }
  void begin_following() override { events_ = watch_log(place_); }
  int followed() const override { return events_.get(); }
  void drain() override {
    char buffer[4096];
    while (::read(events_.get(), buffer, sizeof buffer) > 0) {
    }
  }
  void note_end() override {}

 private:
  /// False, when it was never started, or rotates at this very moment.
  bool open_oldest() {
    for (unsigned number = place_.files; number-- > 0;)
      if (auto file = base::try_open_file(place_.folder, place_.file(number))) {
        reader_.emplace(std::move(*file));
        return true;
      }
    return false;
  }

  LogPlace place_;
  std::optional<LineReader> reader_;
  base::UniqueFd events_;
};

/// journalctl follows only from where it is started: what was read before is read again, and passed over.
class JournalSource : public LogSource {
 public:
  explicit JournalSource(std::string id) : id_(std::move(id)) {}
  bool read(std::deque<JournalLine>& lines) override {
    if (is_over_) return false;
    if (!reader_) open();
    const auto use = [&](std::string_view text) {
      if (auto line = parse_journal_line(text); line && ++read_ > seen_) lines.push_back(std::move(*line));
    };
    if (reader_->each_line_of_block(use)) return true;
    if (!is_following_) finish();
    return false;
  }
  void begin_following() override {
    is_following_ = true;
    start_again();
  }
  int followed() const override { return reader_ && !reader_->is_at_end() ? reader_->fd() : -1; }
  void drain() override {}
  void note_end() override {
    is_following_ = false;
    start_again();
  }

 private:
  void finish() {
    is_over_ = true;
    const int code = journalctl_.wait().code;
    if (code == 0 || read_ > 0) return;
    throw base::make_error(base::ErrorKind::unsupported, "journalctl could not read the journal (exit code ", code, ")")
        .with_hint("members of the group systemd-journal may; --log-driver k8s-file needs no journal");
  }
  void start_again() {
    seen_ = std::max(seen_, std::exchange(read_, 0));
    reader_.reset();
    journalctl_ = {};
    is_over_ = false;
  }
  void open() {
    base::Pipe pipe = base::make_pipe();
    base::Command command = journal_command(id_, is_following_);
    command.fds = {{pipe.write_end.get(), STDOUT_FILENO}};
    journalctl_ = base::spawn(command);
    if (is_following_) base::set_nonblocking(pipe.read_end.get(), true);
    reader_.emplace(std::move(pipe.read_end));
  }

  std::string id_;
  base::Child journalctl_;
  std::optional<LineReader> reader_;
  std::size_t read_ = 0, seen_ = 0;  ///< Of this journalctl, of those before.
  bool is_following_ = false, is_over_ = false;
};

}  // namespace

LogPrinter::LogPrinter(const LogsOptions& options, std::string prefix, std::string colour)
    : options_(options), prefix_(std::move(prefix)), colour_(std::move(colour)) {
  if (!options.since.empty()) since_ = parse_log_time(options.since, base::now());
  if (!options.until.empty()) until_ = parse_log_time(options.until, base::now(), 1);
}

bool LogPrinter::wants(const LogLine& line) const {
  if (!since_ && !until_) return true;
  const auto time = base::parse_rfc3339(line.time);
  return time && (!since_ || *time >= *since_) && (!until_ || *time <= *until_);
}

void LogPrinter::print(const LogLine& line) const {
  std::string text;
  if (!prefix_.empty()) text += base::concat(prefix_, " ");
  if (options_.timestamps) text += base::concat(line.time, " ");
  text += line.text;
  if (!colour_.empty()) text = base::concat(colour_, text, "\x1b[0m");
  // A partial line is continued by the next one of the same stream, unless something stands in front of it.
  if (!line.is_partial || options_.timestamps || !prefix_.empty()) text += '\n';
  base::with_context([&] { base::write_all(line.is_stderr ? STDERR_FILENO : STDOUT_FILENO, text); },
                     "passing the container's log on");
}

std::unique_ptr<LogSource> open_log(const storage::ContainerDir& container, const storage::ContainerRecord& record) {
  if (record.log_driver == "none" || record.log_driver == "passthrough")
    throw base::make_error(base::ErrorKind::unsupported, "container ", base::quoted(record.name),
                           " keeps no log (--log-driver ", record.log_driver, ")");
  if (record.log_driver == "journald") return std::make_unique<JournalSource>(container.id);
  return std::make_unique<FileSource>(container);
}

}  // namespace engine
