#include "engine/update.hpp"

#include <charconv>
#include <cmath>
#include <map>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "engine/container_cgroup.hpp"
#include "engine/events.hpp"
#include "engine/selection.hpp"

namespace engine {

using base::ErrorKind;
using base::make_error;
using base::quoted;

namespace {

enum class Unit { bytes, number, text };

/// One option and where its value stands in linux.resources (config-linux.md).
struct Limit {
  std::string_view option, group, key;
  Unit unit;
};

constexpr Limit known_limits[] = {
    {"blkio-weight", "blockIO", "weight", Unit::number},
    {"cpu-period", "cpu", "period", Unit::number},
    {"cpu-quota", "cpu", "quota", Unit::number},
    {"cpu-rt-period", "cpu", "realtimePeriod", Unit::number},
    {"cpu-rt-runtime", "cpu", "realtimeRuntime", Unit::number},
    {"cpu-shares", "cpu", "shares", Unit::number},
    {"cpuset-cpus", "cpu", "cpus", Unit::text},
    {"cpuset-mems", "cpu", "mems", Unit::text},
    {"memory", "memory", "limit", Unit::bytes},
    {"memory-reservation", "memory", "reservation", Unit::bytes},
    {"memory-swap", "memory", "swap", Unit::bytes},
    {"memory-swappiness", "memory", "swappiness", Unit::number},
    {"pids-limit", "pids", "limit", Unit::number},
};

base::Error bad_value(std::string_view option, std::string_view value, std::string_view form) {
  return make_error(ErrorKind::invalid_argument, "--", option, " ", quoted(value), " is not ", form);
}

std::int64_t number_of(const Limit& limit, const std::string& value) {
  if (const auto number = base::parse_signed(value)) return *number;
  if (limit.unit == Unit::bytes)
    if (const auto bytes = base::parse_size(value); bytes && *bytes <= INT64_MAX)
      return static_cast<std::int64_t>(*bytes);
  throw bad_value(limit.option, value, limit.unit == Unit::bytes ? "a size like 64m" : "a number");
}

/// As podman and docker: a quota of that many periods of 100 ms.
std::int64_t quota_of(const std::string& cpus) {
  double count = 0;
  const auto [end, problem] = std::from_chars(cpus.data(), cpus.data() + cpus.size(), count);
  if (problem != std::errc{} || end != cpus.data() + cpus.size() || !(count >= 0.01) || count > 1e6)
    throw bad_value("cpus", cpus, "a number of CPUs like 1.5");
  return std::llround(count * 100'000);
}

}  // namespace

std::string resources_of(const std::vector<std::pair<std::string, std::string>>& limits) {
  std::map<std::string_view, std::map<std::string_view, std::string>> groups;
  for (const auto& [option, value] : limits) {
    if (option == "cpus") {
      groups["cpu"]["quota"] = base::concat(quota_of(value));
      groups["cpu"]["period"] = "100000";
      continue;
    }
    for (const Limit& limit : known_limits) {
      if (limit.option != option) continue;
      base::JsonWriter text;
      groups[limit.group][limit.key] =
          limit.unit == Unit::text ? text.value(value).take() : base::concat(number_of(limit, value));
    }
  }
  base::JsonWriter json;
  json.begin_object();
  for (const auto& [group, values] : groups) {
    json.key(group).begin_object();
    for (const auto& [key, value] : values) json.key(key).raw(value);
    json.end_object();
  }
  json.end_object();
  return json.take();
}

std::string update(Engine& engine, const UpdateOptions& options) {
  const std::string resources = resources_of(options.limits);
  base::with_context([&] { runtime::check_resources(resources); }, "the limits");
  const storage::ContainerDir container = require_container(engine, options.container);
  const base::FileLock lock = storage::lock_container(container);
  const Observed observed = observe(container, engine.host.boot_id);
  if (!observed.is_running())
    throw make_error(ErrorKind::in_use, "container ", quoted(options.container), " is not running (it is ",
                     observed.state.status, ")")
        .with_hint(base::concat("engine start ", options.container));
  base::with_context([&] { container_cgroup(engine, container, lock, observed, resources)->set(resources); },
                     "updating ", quoted(options.container));
  note_container_event(engine, storage::read_record(container), "update");
  return container.id;
}

}  // namespace engine
