#include <deque>
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "engine/log_lines.hpp"
#include "engine/reconcile.hpp"
#include "engine/selection.hpp"
#include "engine/verbs.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;

namespace {

constexpr std::size_t read_bytes = 64 * 1024;
constexpr int follow_poll_milliseconds = 1000;  // in case an inotify event is lost (network file systems)

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

void print_tail(LineReader& reader, const Printer& printer, std::int64_t tail) {
  std::deque<std::string> kept;
  reader.each_new_line([&](std::string_view text) {
    const auto line = parse_log_line(text);
    if (!line || !printer.wants(*line)) return;
    if (tail < 0) {
      printer.print(*line);
      return;
    }
    kept.emplace_back(text);
    // Partial lines do not count: the end of a line does.
    if (kept.size() > static_cast<std::size_t>(tail)) kept.pop_front();
  });
  for (const std::string& text : kept) printer.print(*parse_log_line(text));
}

base::UniqueFd watch(const storage::ContainerDir& container) {
  base::UniqueFd fd{::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)};
  if (!fd) throw base::os_error("watching the log");
  const std::string path = base::concat("/proc/self/fd/", container.dir.get(), "/log");
  ::inotify_add_watch(fd.get(), path.c_str(), IN_MODIFY);
  return fd;
}

void drain(int fd) {
  char buffer[4096];
  while (::read(fd, buffer, sizeof buffer) > 0) {
  }
}

void follow(Engine& engine, const storage::ContainerDir& container, LineReader& reader, const Printer& printer) {
  const base::UniqueFd events = watch(container);
  const auto print_new = [&] {
    reader.each_new_line([&](std::string_view text) {
      if (const auto line = parse_log_line(text); line && printer.wants(*line)) printer.print(*line);
    });
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

void log_one(Engine& engine, const Selected& one, const LogsOptions& options) {
  const storage::ContainerRecord record = storage::read_record(one.container);
  if (record.log_driver == "none")
    throw make_error(ErrorKind::unsupported, "container ", base::quoted(record.name),
                     " keeps no log (--log-driver none)");
  const Printer printer{options, record.name};
  if (options.tail < 0)
    if (auto older = base::try_open_file(one.container.dir.get(), "log.1")) {
      LineReader reader{std::move(*older)};
      print_tail(reader, printer, -1);
    }
  auto log = base::try_open_file(one.container.dir.get(), "log");
  if (!log) return;  // never started
  LineReader reader{std::move(*log)};
  print_tail(reader, printer, options.tail);
  if (options.follow) follow(engine, one.container, reader, printer);
}

}  // namespace

void logs(Engine& engine, const LogsOptions& options) {
  const auto selected = select_containers(engine, options.containers, false);
  if (options.follow && selected.size() > 1)
    throw make_error(ErrorKind::unsupported, "logs --follow of several containers is not supported yet");
  for (const Selected& one : selected) log_one(engine, one, options);
}

}  // namespace engine
