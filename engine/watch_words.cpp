#include "engine/watch_words.hpp"

#include <algorithm>
#include <climits>
#include <optional>
#include <unistd.h>

#include "base/error.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "engine/duration.hpp"
#include "engine/notify.hpp"
#include "engine/restart_policy.hpp"
#include "engine/templates/template.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;
using std::chrono::milliseconds;

namespace {

constexpr unsigned most_log_files = 1000;
constexpr milliseconds shortest_timeout{1000};

void set_duration(milliseconds& target, std::string_view option, const std::string& text, milliseconds least) {
  if (text.empty()) return;
  const auto duration = parse_duration(text);
  if (!duration || text.front() == '-')
    throw make_error(ErrorKind::invalid_argument, "--", option, " ", quoted(text), " is not a duration such as 30s");
  if (*duration < least)
    throw make_error(ErrorKind::invalid_argument, "--", option, " ", quoted(text), " is shorter than ", least.count(),
                     " ms");
  target = *duration;
}

/// "disable" stands for 0: only `healthcheck run` checks.
void set_interval(milliseconds& target, std::string_view option, const std::string& text) {
  set_duration(target, option, text == "disable" ? "0" : text, milliseconds{0});
}

std::vector<std::string> fields_of(std::string_view text) {
  std::vector<std::string> fields;
  for (const std::string_view word : base::split(text, ' '))
    if (!word.empty()) fields.emplace_back(word);
  return fields;
}

/// As podman: "none", a JSON array of words, docker's "CMD …" and "CMD-SHELL …", else a line for the shell.
std::vector<std::string> parse_test(const std::string& text) {
  std::vector<std::string> words;
  bool is_array = false;
  if (base::trim(text).starts_with('[')) {
    try {
      words = base::JsonAt::parse(text, "--health-cmd").strings();
      is_array = true;
    } catch (const base::Error&) {  // then it is the shell's
    }
  }
  if (!is_array) {
    const auto pair = base::split_once(text, ' ');
    words = pair ? std::vector<std::string>{std::string{pair->first}, std::string{pair->second}}
                 : std::vector<std::string>{text};
  }
  if (words.empty())
    throw make_error(ErrorKind::invalid_argument, "must define a healthcheck command for all healthchecks");
  const std::string first = base::to_lower(words.front());
  if (first == "none") return {"NONE"};
  if (first == "cmd" || first == "cmd-shell") {
    if (!is_array && first == "cmd") words = fields_of(text);
    words.front() = first == "cmd" ? "CMD" : "CMD-SHELL";
    return words;
  }
  if (!is_array) return {"CMD-SHELL", text};
  words.insert(words.begin(), words.size() == 1 ? "CMD-SHELL" : "CMD");
  return words;
}

/// Durations are nanoseconds; 0 is the default. Source: docker's image config.
HealthCheck check_of_image(const std::string& json_text) {
  HealthCheck check;
  if (json_text.empty()) return check;
  const base::JsonAt json = base::JsonAt::parse(json_text, "the image's Healthcheck");
  check.test = json.strings_or_empty("Test");
  const auto set = [&json](milliseconds& target, std::string_view key) {
    const auto given = std::chrono::nanoseconds{json.integer_or(key, 0)};
    if (given > std::chrono::nanoseconds{0}) target = std::chrono::ceil<milliseconds>(given);
  };
  set(check.interval, "Interval");
  set(check.timeout, "Timeout");
  set(check.start_period, "StartPeriod");
  set(check.start_interval, "StartInterval");
  if (const std::uint64_t retries = json.unsigned_or("Retries", 0); retries > 0)
    check.retries = static_cast<unsigned>(std::min<std::uint64_t>(retries, 1'000'000));
  return check;
}

void apply_startup(Watch& watch, const HealthWords& words) {
  if (words.startup_command.empty()) {
    if (words.startup_retries || words.startup_success || !words.startup_interval.empty() ||
        !words.startup_timeout.empty())
      throw make_error(ErrorKind::invalid_argument, "--health-startup-* need --health-startup-cmd");
    return;
  }
  if (!watch.health.is_there())
    throw make_error(ErrorKind::invalid_argument, "--health-startup-cmd needs --health-cmd: the startup check only ",
                     "comes before it");
  watch.startup.test = parse_test(words.startup_command);
  watch.startup.retries = words.startup_retries.value_or(0);
  watch.startup_successes = words.startup_success.value_or(0);
  set_interval(watch.startup.interval, "health-startup-interval", words.startup_interval);
  set_duration(watch.startup.timeout, "health-startup-timeout", words.startup_timeout, shortest_timeout);
}

/// @param watch  With what holds where the words say nothing.
void apply_health(Watch& watch, const HealthWords& words) {
  if (words.none && !words.command.empty())
    throw make_error(ErrorKind::invalid_argument, "--no-healthcheck and --health-cmd cannot be given together");
  if (!words.command.empty()) watch.health.test = parse_test(words.command);
  if (words.none) watch.health.test = {"NONE"};
  set_interval(watch.health.interval, "health-interval", words.interval);
  set_duration(watch.health.timeout, "health-timeout", words.timeout, shortest_timeout);
  set_duration(watch.health.start_period, "health-start-period", words.start_period, milliseconds{0});
  set_duration(watch.health.start_interval, "health-start-interval", words.start_interval, milliseconds{0});
  if (words.retries) {
    if (*words.retries == 0) throw make_error(ErrorKind::invalid_argument, "--health-retries must be greater than 0");
    watch.health.retries = *words.retries;
  }
  apply_startup(watch, words);
  if (!words.log_destination.empty())
    watch.health_log_folder = words.log_destination == "local" ? "" : words.log_destination;
  watch.health_log_count = words.max_log_count.value_or(watch.health_log_count);
  watch.health_log_bytes = words.max_log_size.value_or(watch.health_log_bytes);
  if (!words.on_failure.empty()) watch.health_on_failure = words.on_failure;
  if (watch.health_on_failure != "none" && !watch.health.is_there())
    throw make_error(ErrorKind::invalid_argument, "--health-on-failure ", words.on_failure,
                     " needs a health check: --health-cmd");
}

void apply_log_option(Watch& watch, std::string_view key, std::string_view value) {
  const auto refuse = [&](std::string_view form) -> base::Error {
    return make_error(ErrorKind::invalid_argument, "--log-opt ", key, " ", quoted(value), " is not ", form);
  };
  if (key == "path") {
    if (!value.starts_with('/')) throw refuse("an absolute path");
    watch.log_path = value;
  } else if (key == "tag") {
    watch.log_tag = value;
    templates::Template::parse("container", value);  // refused now rather than at the start
  } else if (key == "max-size") {
    const auto bytes = value == "-1" ? std::optional<std::uint64_t>{0} : base::parse_size(value);
    if (!bytes) throw refuse("a size like 10mb");
    watch.log_max_bytes = *bytes;
  } else if (key == "max-file") {
    const auto count = base::parse_unsigned(value);
    if (!count || *count == 0 || *count > most_log_files) throw refuse("a number of files from 1 to 1000");
    watch.log_max_files = static_cast<unsigned>(*count);
  } else {
    throw make_error(ErrorKind::invalid_argument, "--log-opt ", quoted(key), " is unknown")
        .with_hint("path, max-size, max-file, tag");
  }
}

void apply_log(Watch& watch, const RunOptions& options, const Config& config) {
  watch.log_max_bytes = config.log_max_bytes;
  watch.log_tag = config.log_tag;
  base::with_context([&] { templates::Template::parse("container", watch.log_tag); }, "containers.conf: log_tag");
  for (const std::string& word : options.log_opts) {
    const auto pair = base::split_once(word, '=');
    if (!pair) throw make_error(ErrorKind::invalid_argument, "--log-opt ", quoted(word), " is not NAME=VALUE");
    apply_log_option(watch, pair->first, pair->second);
  }
}

/// It is written by a process that is in another folder.
std::string absolute(const std::string& path) {
  if (path.empty() || path.starts_with('/')) return path;
  char folder[PATH_MAX];
  if (::getcwd(folder, sizeof folder) == nullptr) throw base::os_error("looking up the current directory");
  return base::concat(folder, "/", path);
}

}  // namespace

Watch make_watch(const RunOptions& options, const oci::ImageConfig& image, const Config& config) {
  Watch watch;
  apply_restart_words(watch, options.restart);
  if (watch.restarts() && options.auto_remove)
    throw make_error(ErrorKind::invalid_argument, "the --rm option conflicts with --restart ", options.restart);
  watch.timeout_seconds = options.timeout.value_or(0);
  watch.sdnotify = options.sdnotify;
  watch.health = check_of_image(image.healthcheck);
  apply_health(watch, options.health);
  if (watch.sdnotify == "healthy" && !watch.health.is_there())
    throw make_error(ErrorKind::invalid_argument, "sdnotify policy \"healthy\" requires a healthcheck to be set");
  apply_log(watch, options, config);
  watch.pidfile = absolute(options.pidfile);
  watch.monitor_pidfile = absolute(options.conmon_pidfile);
  return watch;
}

void change_watch(Watch& watch, const std::optional<std::string>& restart, const HealthWords& health) {
  if (restart) apply_restart_words(watch, *restart);
  apply_health(watch, health);
}

std::string choose_log_driver(const RunOptions& options, const Config& config) {
  const std::string& driver = options.log_driver.empty() ? config.log_driver : options.log_driver;
  for (const char* known : {"k8s-file", "json-file", "journald", "none", "passthrough"})
    if (driver == known) {
      if (driver == "passthrough" && options.tty)
        throw make_error(ErrorKind::invalid_argument, "--log-driver passthrough and --tty cannot be given together");
      return driver;
    }
  throw make_error(ErrorKind::invalid_argument, "log driver ", quoted(driver), " is unknown")
      .with_hint("k8s-file, json-file (the same), journald, none, passthrough");
}

bool needs_monitor(const RunOptions& options, const Watch& watch) {
  return watch.health.is_there() || watch.timeout_seconds > 0 || is_notifying(watch) || !watch.log_path.empty() ||
         !options.attach.empty() || options.log_driver == "journald";
}

}  // namespace engine
