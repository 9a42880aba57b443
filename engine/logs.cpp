#include "engine/logs.hpp"

#include <iterator>
#include <poll.h>

#include "base/error.hpp"
#include "engine/log_reader.hpp"
#include "engine/reconcile.hpp"
#include "engine/selection.hpp"

namespace engine {

namespace {

constexpr int follow_poll_milliseconds = 1000;  // in case an inotify event is lost (network file systems)

/// One of the containers whose logs are shown.
struct Shown {
  const storage::ContainerDir& container;
  LogPrinter printer;
  std::unique_ptr<LogSource> source;
  std::deque<JournalLine> lines{};  ///< Read, and not printed yet.
  bool is_dry = false;              ///< There was nothing more to read.
  bool is_over = false;             ///< Nor will there be.
};
using AllShown = std::deque<Shown>;

/// The last lines of each container count, not of all together.
void keep_last_lines(Shown& shown, std::int64_t count) {
  LastLines<JournalLine> last{count};
  while (!shown.is_dry) {
    shown.is_dry = !shown.source->read(shown.lines);
    for (JournalLine& line : std::exchange(shown.lines, {}))
      if (shown.printer.wants(line)) last.add(std::move(line));
  }
  shown.lines = last.take();
}

/// Whether it has a line to print.
bool has_line(Shown& shown) {
  while (shown.lines.empty() && !shown.is_dry) shown.is_dry = !shown.source->read(shown.lines);
  return !shown.lines.empty();
}

/// That with the oldest line; of equal ones the first. Nothing when all are dry.
Shown* oldest(AllShown& all) {
  Shown* found = nullptr;
  std::optional<base::Time> time;
  for (Shown& shown : all) {
    if (!has_line(shown)) continue;
    if (all.size() == 1) return &shown;
    const auto own = base::parse_rfc3339(shown.lines.front().time);
    if (found != nullptr && time && (!own || *own >= *time)) continue;
    found = &shown;
    time = own;
  }
  return found;
}

/// All that is there now, by time.
void print_all(AllShown& all) {
  while (Shown* shown = oldest(all)) {
    const JournalLine& line = shown->lines.front();
    if (shown->printer.wants(line)) shown->printer.print(line);
    shown->lines.pop_front();
  }
}

void print_new(AllShown& all) {
  for (Shown& shown : all) shown.is_dry = shown.is_over;
  print_all(all);
}

/// Waits for output, or for an end.
void wait_for_more(const AllShown& all, const std::vector<Observed>& observed) {
  std::vector<pollfd> waiting;
  for (const Shown& shown : all)
    if (!shown.is_over) waiting.push_back({shown.source->followed(), POLLIN, 0});
  for (const Observed& one : observed) waiting.push_back({one.process.get(), POLLIN, 0});
  if (::poll(waiting.data(), waiting.size(), follow_poll_milliseconds) < 0 && errno != EINTR)
    throw base::os_error("following the log");
}

void follow(Engine& engine, AllShown& all) {
  for (Shown& shown : all) shown.source->begin_following();
  while (true) {
    std::vector<Observed> running;
    std::vector<Shown*> ended;
    for (Shown& shown : all) {
      if (shown.is_over) continue;
      Observed observed = observe(shown.container, engine.host.boot_id);
      if (observed.is_running()) {
        running.push_back(std::move(observed));
        continue;
      }
      if (observed.monitored) wait_until_unwatched(shown.container);
      shown.source->note_end();
      ended.push_back(&shown);
    }
    print_new(all);
    for (Shown* shown : ended) shown->is_over = true;
    if (running.empty() || all.front().printer.is_past(base::now())) return;
    wait_for_more(all, running);
    for (Shown& shown : all) shown.source->drain();
  }
}

/// As podman: ids unless --names says otherwise, and only where there are several.
std::string prefix_of(const LogsOptions& options, const storage::ContainerRecord& record, std::size_t containers) {
  if (containers < 2) return {};
  return options.names ? record.name : record.id.substr(0, 12);
}

/// Source: podman-logs(1) --color.
std::string colour_of(std::size_t number) {
  constexpr const char* colours[] = {"\x1b[37m", "\x1b[31m", "\x1b[33m", "\x1b[34m",
                                     "\x1b[35m", "\x1b[36m", "\x1b[32m"};
  return colours[number % std::size(colours)];
}

}  // namespace

void logs(Engine& engine, const LogsOptions& options) {
  logs(engine, options, false);
}

void logs(Engine& engine, const LogsOptions& options, bool with_colours) {
  const auto selected = select_containers(engine, options.containers, false);
  AllShown all;
  for (const Selected& one : selected) {
    const storage::ContainerRecord record = storage::read_record(one.container);
    LogPrinter printer{options, prefix_of(options, record, selected.size()),
                       with_colours ? colour_of(all.size()) : std::string{}};
    all.push_back({one.container, std::move(printer), open_log(one.container, record)});
  }
  if (options.tail >= 0)
    for (Shown& shown : all) keep_last_lines(shown, options.tail);
  print_all(all);
  if (options.follow) follow(engine, all);
}

}  // namespace engine
