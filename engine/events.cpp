#include "engine/events.hpp"

#include <algorithm>
#include <fcntl.h>
#include <map>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/json.hpp"
#include "engine/event_reader.hpp"
#include "engine/log_lines.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

constexpr std::size_t max_line_bytes = 1 << 20;

/// Values of one key are alternatives; all keys must fit.
using EventFilters = std::map<std::string, std::vector<std::string>>;

EventFilters parse_filters(const std::vector<std::string>& words) {
  EventFilters filters;
  for (const std::string& word : words) {
    const auto pair = base::split_once(word, '=');
    std::string key{pair ? pair->first : std::string_view{word}};
    if (key == "status") key = "event";
    bool is_known = false;
    for (const char* known : {"container", "event", "image", "label", "pod", "type", "volume"})
      is_known = is_known || key == known;
    if (!pair || !is_known)
      throw make_error(ErrorKind::invalid_argument, "invalid filter ", quoted(word))
          .with_hint("known filters: container, event, image, label, pod, type, volume");
    filters[key].emplace_back(pair->second);
  }
  return filters;
}

bool has_label(const Event& event, std::string_view wanted) {
  const auto pair = base::split_once(wanted, '=');
  if (!event.attributes) return false;
  for (const auto& [name, value] : *event.attributes)
    if (pair ? name == pair->first && value == pair->second : name == wanted) return true;
  return false;
}

bool fits(const Event& event, const std::string& key, const std::string& value) {
  if (key == "event") return event.status == value;
  if (key == "type") return event.type == value;
  if (key == "label") return has_label(event, value);
  return event.type == key && (event.name == value || (!value.empty() && event.id.starts_with(value)));
}

bool fits_all(const Event& event, const EventFilters& filters) {
  for (const auto& [key, values] : filters) {
    bool fits_one = false;
    for (const std::string& value : values) fits_one = fits_one || fits(event, key, value);
    if (!fits_one) return false;
  }
  return true;
}

int milliseconds_until(const std::optional<base::Time>& end) {
  if (!end) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*end - base::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000'000));
}

}  // namespace

std::optional<Event> parse_event(std::string_view line) {
  try {
    const base::JsonAt json = base::JsonAt::parse(line, "event");
    Event event{.type = json.string_or("Type", ""), .status = json.string_or("Status", "")};
    event.id = json.string_or("ID", "");
    event.name = json.string_or("Name", "");
    event.image = json.string_or("Image", "");
    event.health_status = json.string_or("health_status", "");
    event.exit_code = static_cast<int>(json.unsigned_or("ContainerExitCode", 0));
    if (event.type == "container") event.attributes = json.at("Attributes").string_map();
    const auto time = base::parse_rfc3339(json.string_or("Time", ""));
    if (!time) return std::nullopt;
    event.time = *time;
    return event;
  } catch (const base::Error&) {
    return std::nullopt;
  }
}

EventReader::EventReader(const std::string& run, bool from_start)
    : folder_(base::make_directories(AT_FDCWD, base::concat(run, "/", event_folder))),
      changes_(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK)) {
  if (!changes_) throw base::os_error("watching the log of events");
  const std::string path = base::concat("/proc/self/fd/", folder_.get());
  if (::inotify_add_watch(changes_.get(), path.c_str(), IN_MODIFY | IN_CREATE | IN_MOVED_TO) < 0)
    throw base::os_error("watching the log of events");
  const char* first = from_start && base::exists(folder_.get(), older_event_log) ? older_event_log : event_log;
  if (auto file = base::try_open_file(folder_.get(), first)) file_ = std::move(*file);
  if (!from_start && file_) ::lseek(file_.get(), 0, SEEK_END);
}

bool EventReader::was_rotated() const {
  struct stat named {
  }, opened{};
  if (::fstatat(folder_.get(), event_log, &named, AT_SYMLINK_NOFOLLOW) != 0) return false;
  return !file_ || ::fstat(file_.get(), &opened) != 0 || named.st_ino != opened.st_ino;
}

void EventReader::read_file(const std::function<void(const Event&)>& use) {
  char buffer[65536];
  ssize_t got = 0;
  while (file_ && (got = ::read(file_.get(), buffer, sizeof buffer)) > 0) {
    rest_.append(buffer, static_cast<std::size_t>(got));
    std::size_t begin = 0;
    for (std::size_t end; (end = rest_.find('\n', begin)) != std::string::npos; begin = end + 1)
      if (const auto event = parse_event(std::string_view{rest_}.substr(begin, end - begin))) use(*event);
    rest_.erase(0, begin);
    if (rest_.size() > max_line_bytes) rest_.clear();
  }
}

void EventReader::read(const std::function<void(const Event&)>& use) {
  const bool rotated = was_rotated();  // before the last lines of the old one are read
  read_file(use);
  if (!rotated) return;
  rest_.clear();
  if (auto file = base::try_open_file(folder_.get(), event_log)) file_ = std::move(*file);
  read_file(use);
}

void EventReader::wait(int milliseconds) {
  pollfd waiting{changes_.get(), POLLIN, 0};
  if (::poll(&waiting, 1, milliseconds) < 0 && errno != EINTR) throw base::os_error("waiting for events");
  char buffer[4096];
  while (::read(changes_.get(), buffer, sizeof buffer) > 0) continue;
}

void check_events_logger(const Config& config) {
  for (const char* known : {"file", "journald", "none"})
    if (config.events_logger == known) return;
  throw make_error(ErrorKind::invalid_argument, "containers.conf: events_logger ", quoted(config.events_logger),
                   " is not one of file, journald, none");
}

void events(Engine& engine, const EventsOptions& options, const std::function<void(const Event&)>& show) {
  check_events_logger(engine.config);
  if (engine.config.events_logger == "none")
    throw make_error(ErrorKind::unsupported, "cannot read events with the \"none\" backend")
        .with_hint("engine config explain events_logger, and the option --events-backend");
  const EventFilters filters = parse_filters(options.filters);
  std::optional<base::Time> since, until;
  if (!options.since.empty()) since = parse_log_time(options.since, base::now());
  if (!options.until.empty()) until = parse_log_time(options.until, base::now());
  EventReader reader{engine.config.run, !options.stream || since || until};
  const auto show_meant = [&](const Event& event) {
    if ((!since || event.time >= *since) && (!until || event.time <= *until) && fits_all(event, filters)) show(event);
  };
  while (true) {
    reader.read(show_meant);
    if (!options.stream || (until && base::now() >= *until)) return;
    reader.wait(milliseconds_until(until));
  }
}

}  // namespace engine
