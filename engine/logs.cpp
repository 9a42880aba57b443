#include <algorithm>
#include <deque>
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/process.hpp"
#include "engine/journal.hpp"
#include "engine/log_lines.hpp"
#include "engine/reconcile.hpp"
#include "engine/selection.hpp"
#include "engine/verbs.hpp"
#include "engine/watch.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;

namespace {

constexpr std::size_t read_bytes = 64 * 1024;
constexpr int follow_poll_milliseconds = 1000;  // in case an inotify event is lost (network file systems)

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
  explicit LineReader(base::UniqueFd fd) : fd_(std::move(fd)) {}
  /// Calls `use` for each complete line that is there now.
  template <class Use>
  void each_new_line(Use use) {
    char buffer[read_bytes];
    while (const std::size_t got = base::read_some(fd_.get(), buffer, sizeof buffer)) {
      rest_.append(buffer, got);
      std::size_t start = 0;
      for (std::size_t end; (end = rest_.find('\n', start)) != std::string::npos; start = end + 1)
        use(std::string_view{rest_}.substr(start, end - start));
      rest_.erase(0, start);
    }
  }

  /// The same of a descriptor that does not block.
  template <class Use>
  void each_line_now(Use use) {
    try {
      each_new_line(use);
    } catch (const base::Error& error) {
      if (error.code() != EAGAIN) throw;
    }
  }
  int fd() const { return fd_.get(); }
  /// How many times the log was rotated since this file was the current one; nothing when it is gone.
  std::optional<unsigned> rotations(const LogPlace& place) const {
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

 private:
  base::UniqueFd fd_;
  std::string rest_;
};

class Printer {
 public:
  Printer(const LogsOptions& options, std::string name) : options_(options), name_(std::move(name)) {
    if (!options.since.empty()) since_ = parse_log_time(options.since, base::now());
    if (!options.until.empty()) until_ = parse_log_time(options.until, base::now());
  }

  bool wants(const LogLine& line) const {
    if (!since_ && !until_) return true;
    const auto time = base::parse_rfc3339(line.time);
    return time && (!since_ || *time >= *since_) && (!until_ || *time <= *until_);
  }

  bool wants(const JournalLine& line) const { return wants(LogLine{line.time, false, false, {}}); }
  void print(const JournalLine& line) const { print(LogLine{line.time, line.is_stderr, line.is_partial, line.text}); }

  void print(const LogLine& line) const {
    std::string text;
    if (options_.names) text += base::concat(name_, " ");
    if (options_.timestamps) text += base::concat(line.time, " ");
    text += line.text;
    // A partial line is continued by the next one of the same stream, unless something stands in front of it.
    if (!line.is_partial || options_.timestamps || options_.names) text += '\n';
    base::with_context([&] { base::write_all(line.is_stderr ? STDERR_FILENO : STDOUT_FILENO, text); },
                       "passing the container's log on");
  }

 private:
  const LogsOptions& options_;
  std::string name_;
  std::optional<base::Time> since_, until_;
};

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

/// The last lines, or all of them at once. Of a journal and of files.
template <class Line>
class Tail {
 public:
  Tail(const Printer& printer, std::int64_t lines) : printer_(printer), lines_(lines) {}
  void add(Line line) {
    if (!printer_.wants(line)) return;
    if (lines_ < 0) return printer_.print(line);
    // Pieces of a line count when it ends, or when nothing comes after them.
    const bool is_whole = !line.is_partial;
    kept_.push_back(std::move(line));
    whole_ += is_whole ? 1 : 0;
    while (!kept_.empty() && whole_ + (kept_.back().is_partial ? 1 : 0) > lines_) {
      whole_ -= kept_.front().is_partial ? 0 : 1;
      kept_.pop_front();
    }
  }
  void print() {
    for (const Line& line : kept_) printer_.print(line);
    kept_.clear();
  }

 private:
  const Printer& printer_;
  std::int64_t lines_;
  std::int64_t whole_ = 0;
  std::deque<Line> kept_;
};

/// A line of a file, kept.
struct KeptLine {
  std::string bytes;
  bool is_partial = false;
  operator LogLine() const { return *parse_log_line(bytes); }
};

void add_lines(LineReader& reader, const Printer& printer, std::int64_t lines, Tail<KeptLine>& tail) {
  reader.each_new_line([&](std::string_view text) {
    const auto line = parse_log_line(text);
    if (!line) return;
    if (lines >= 0)
      tail.add({std::string{text}, line->is_partial});
    else if (printer.wants(*line))
      printer.print(*line);
  });
}

base::UniqueFd watch(const LogPlace& place) {
  base::UniqueFd fd{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
  if (!fd) throw base::os_error("watching the log");
  const std::string path = base::concat("/proc/self/fd/", place.folder, "/", place.name);
  ::inotify_add_watch(fd.get(), path.c_str(), IN_MODIFY);
  return fd;
}

void drain(int fd) {
  char buffer[4096];
  while (::read(fd, buffer, sizeof buffer) > 0) {
  }
}

/// After a file's last line: goes on with the one that came after it. False, when it is the current one.
bool read_next(const LogPlace& place, LineReader& reader, base::UniqueFd& events) {
  const auto passed = reader.rotations(place);
  if (passed == 0U) return false;
  // One that was exchanged more often than files are kept is gone: the oldest is next.
  const unsigned next = passed ? *passed - 1 : place.files - 1;
  auto file = base::try_open_file(place.folder, place.file(next));
  if (!file && passed) return false;                             // at this very moment
  if (passed && reader.rotations(place) != passed) return true;  // rotated meanwhile: it was another file
  if (next == 0) events = watch(place);
  if (file) reader = LineReader{std::move(*file)};
  return static_cast<bool>(file);
}

void follow(Engine& engine, const storage::ContainerDir& container, const LogPlace& place, LineReader& reader,
            const Printer& printer) {
  base::UniqueFd events = watch(place);
  const auto print_new = [&] {
    do {
      reader.each_new_line([&](std::string_view text) {
        if (const auto line = parse_log_line(text); line && printer.wants(*line)) printer.print(*line);
      });
    } while (read_next(place, reader, events));
  };
  while (true) {
    const Observed observed = observe(container, engine.host.boot_id);
    print_new();
    if (!observed.is_running()) {
      if (observed.monitored) wait_until_unwatched(container);
      print_new();
      return;
    }
    pollfd waiting[2] = {{events.get(), POLLIN, 0}, {observed.process.get(), POLLIN, 0}};
    if (::poll(waiting, 2, follow_poll_milliseconds) < 0 && errno != EINTR) throw base::os_error("following the log");
    drain(events.get());
  }
}

template <class Use>
void read_journal(const storage::ContainerDir& container, Use use) {
  base::Pipe pipe = base::make_pipe();
  base::Command command = journal_command(container.id, false);
  command.fds = {{pipe.write_end.get(), STDOUT_FILENO}};
  base::Child child = base::spawn(command);
  pipe.write_end.reset();
  LineReader reader{std::move(pipe.read_end)};
  reader.each_new_line(use);
  child.wait();
}

/// The reader ends with the container; what was written last is read once more, from where it stopped.
void follow_journal(Engine& engine, const storage::ContainerDir& container, const Printer& printer) {
  std::size_t seen = 0;
  base::Pipe pipe = base::make_pipe();
  base::Command command = journal_command(container.id, true);
  command.fds = {{pipe.write_end.get(), STDOUT_FILENO}};
  base::Child child = base::spawn(command);
  pipe.write_end.reset();
  base::set_nonblocking(pipe.read_end.get(), true);
  LineReader reader{std::move(pipe.read_end)};
  const auto use = [&](std::string_view text, std::size_t& number) {
    if (const auto line = parse_journal_line(text); line && number++ >= seen && printer.wants(*line))
      printer.print(*line);
  };
  std::size_t count = 0;
  while (true) {
    const Observed observed = observe(container, engine.host.boot_id);
    reader.each_line_now([&](std::string_view text) { use(text, count); });
    if (!observed.is_running()) break;
    pollfd waiting[2] = {{reader.fd(), POLLIN, 0}, {observed.process.get(), POLLIN, 0}};
    if (::poll(waiting, 2, follow_poll_milliseconds) < 0 && errno != EINTR) throw base::os_error("following the log");
  }
  wait_until_unwatched(container);
  child = {};
  seen = std::exchange(count, 0);
  read_journal(container, [&](std::string_view text) { use(text, count); });
}

void log_of_journal(Engine& engine, const storage::ContainerDir& container, const Printer& printer,
                    const LogsOptions& options) {
  const Observed observed = observe(container, engine.host.boot_id);
  if (options.follow && options.tail < 0 && observed.is_running()) return follow_journal(engine, container, printer);
  if (options.follow && observed.is_running())
    throw make_error(ErrorKind::unsupported, "logs --follow with --tail of a container with --log-driver journald")
        .with_hint("leave --tail out");
  Tail<JournalLine> tail{printer, options.tail};
  read_journal(container, [&](std::string_view text) {
    if (auto line = parse_journal_line(text)) tail.add(std::move(*line));
  });
  tail.print();
}

void log_one(Engine& engine, const Selected& one, const LogsOptions& options) {
  const storage::ContainerRecord record = storage::read_record(one.container);
  if (record.log_driver == "none" || record.log_driver == "passthrough")
    throw make_error(ErrorKind::unsupported, "container ", base::quoted(record.name), " keeps no log (--log-driver ",
                     record.log_driver, ")");
  const Printer printer{options, record.name};
  if (record.log_driver == "journald") return log_of_journal(engine, one.container, printer, options);
  const LogPlace place = find_log(one.container);
  Tail<KeptLine> tail{printer, options.tail};
  for (unsigned number = place.files - 1; number > 0; --number)
    if (auto older = base::try_open_file(place.folder, place.file(number))) {
      LineReader reader{std::move(*older)};
      add_lines(reader, printer, options.tail, tail);
    }
  auto log = base::try_open_file(place.folder, place.name);
  if (!log) return tail.print();  // never started, or this very moment rotated
  LineReader reader{std::move(*log)};
  add_lines(reader, printer, options.tail, tail);
  tail.print();
  if (options.follow) follow(engine, one.container, place, reader, printer);
}

}  // namespace

void logs(Engine& engine, const LogsOptions& options) {
  const auto selected = select_containers(engine, options.containers, false);
  if (options.follow && selected.size() > 1)
    throw make_error(ErrorKind::unsupported, "logs --follow of several containers is not supported yet");
  for (const Selected& one : selected) log_one(engine, one, options);
}

}  // namespace engine
