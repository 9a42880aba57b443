#include "engine/watch.hpp"

#include "base/fs.hpp"
#include "base/json.hpp"
#include "base/json_writer.hpp"

namespace engine {

namespace {

constexpr const char* watch_name = "watch";
constexpr std::size_t max_watch_bytes = 1 << 20;
constexpr std::int64_t watch_version = 1;

void write_check(base::JsonWriter& json, std::string_view name, const HealthCheck& check) {
  json.key(name).begin_object().member("test", check.test);
  json.member("interval_ms", static_cast<std::int64_t>(check.interval.count()));
  json.member("timeout_ms", static_cast<std::int64_t>(check.timeout.count()));
  json.member("start_period_ms", static_cast<std::int64_t>(check.start_period.count()));
  json.member("start_interval_ms", static_cast<std::int64_t>(check.start_interval.count()));
  json.member("retries", check.retries).end_object();
}

HealthCheck read_check(const base::JsonAt& json) {
  HealthCheck check;
  const auto milliseconds = [&json](std::string_view key) { return std::chrono::milliseconds{json.at(key).integer()}; };
  check.test = json.at("test").strings();
  check.interval = milliseconds("interval_ms");
  check.timeout = milliseconds("timeout_ms");
  check.start_period = milliseconds("start_period_ms");
  check.start_interval = milliseconds("start_interval_ms");
  check.retries = static_cast<unsigned>(json.at("retries").unsigned_integer());
  return check;
}

}  // namespace

std::string render_watch(const Watch& watch) {
  base::JsonWriter json;
  json.begin_object().member("version", watch_version);
  json.member("restart_policy", watch.restart_policy).member("restart_retries", watch.restart_retries);
  json.member("timeout_seconds", watch.timeout_seconds).member("sdnotify", watch.sdnotify);
  json.member("log_path", watch.log_path).member("log_tag", watch.log_tag);
  json.member("log_max_bytes", watch.log_max_bytes).member("log_max_files", watch.log_max_files);
  if (!watch.health.test.empty()) write_check(json, "health", watch.health);
  if (!watch.startup.test.empty()) write_check(json, "startup", watch.startup);
  json.member("startup_successes", watch.startup_successes).member("health_on_failure", watch.health_on_failure);
  json.member("health_log_folder", watch.health_log_folder).member("health_log_count", watch.health_log_count);
  json.member("health_log_bytes", watch.health_log_bytes).member("pidfile", watch.pidfile);
  json.member("monitor_pidfile", watch.monitor_pidfile).member("required", watch.required);
  json.end_object();
  return json.take();
}

Watch parse_watch(std::string_view bytes, const std::string& id) {
  const base::JsonAt json = base::JsonAt::parse(bytes, base::concat("watch of container ", id.substr(0, 12)));
  if (json.at("version").integer() > watch_version) throw json.error("of a newer version of engine");
  Watch watch;
  watch.restart_policy = json.string_or("restart_policy", "");
  watch.restart_retries = static_cast<unsigned>(json.unsigned_or("restart_retries", 0));
  watch.timeout_seconds = static_cast<unsigned>(json.unsigned_or("timeout_seconds", 0));
  watch.sdnotify = json.string_or("sdnotify", "");
  watch.log_path = json.string_or("log_path", "");
  watch.log_tag = json.string_or("log_tag", "");
  watch.log_max_bytes = json.unsigned_or("log_max_bytes", watch.log_max_bytes);
  watch.log_max_files = static_cast<unsigned>(json.unsigned_or("log_max_files", watch.log_max_files));
  if (const auto check = json.find("health")) watch.health = read_check(*check);
  if (const auto check = json.find("startup")) watch.startup = read_check(*check);
  watch.startup_successes = static_cast<unsigned>(json.unsigned_or("startup_successes", 0));
  watch.health_on_failure = json.string_or("health_on_failure", watch.health_on_failure);
  watch.health_log_folder = json.string_or("health_log_folder", "");
  watch.health_log_count = static_cast<unsigned>(json.unsigned_or("health_log_count", watch.health_log_count));
  watch.health_log_bytes = static_cast<unsigned>(json.unsigned_or("health_log_bytes", watch.health_log_bytes));
  watch.pidfile = json.string_or("pidfile", "");
  watch.monitor_pidfile = json.string_or("monitor_pidfile", "");
  watch.required = json.strings_or_empty("required");
  return watch;
}

Watch read_watch(const storage::ContainerDir& container) {
  const auto text = base::try_read_file(container.dir.get(), watch_name, max_watch_bytes);
  return text ? parse_watch(*text, container.id) : Watch{};
}

void write_watch(const storage::ContainerDir& container, const Watch& watch) {
  const std::string text = render_watch(watch);
  if (text != render_watch(Watch{})) base::write_file_atomically(container.dir.get(), watch_name, text);
}

void replace_watch(const storage::ContainerDir& container, const Watch& watch) {
  if (render_watch(watch) == render_watch(Watch{})) base::unlink_file(container.dir.get(), watch_name);
  write_watch(container, watch);
}

}  // namespace engine
