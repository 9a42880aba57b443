#include <charconv>
#include <limits>
#include <optional>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "cmd/oci_events.hpp"

// What `events` prints: values to text, nothing else.

namespace cmd {
namespace {

using Figure = std::optional<std::uint64_t>;

constexpr std::size_t max_cpus = 65'536;
constexpr std::uint64_t unlimited = std::numeric_limits<std::uint64_t>::max();  // as version 2 is read by runc

void add(base::JsonWriter& json, std::string_view key, const Figure& figure) {
  if (figure) json.member(key, *figure);
}

/// As Go leaves out zeros that are marked "omitempty".
void add_unless_zero(base::JsonWriter& json, std::string_view key, const Figure& figure) {
  if (figure.value_or(0) != 0) json.member(key, *figure);
}

void add_numbers(base::JsonWriter& json, std::string_view key, const std::vector<std::uint64_t>& numbers) {
  if (numbers.empty()) return;
  json.key(key).begin_array();
  for (const std::uint64_t number : numbers) json.value(number);
  json.end_array();
}

using Pressure = runtime::CgroupStatistics::Pressure;

void add_pressure(base::JsonWriter& json, const std::optional<Pressure>& pressure) {
  if (!pressure) return;
  json.key("psi").begin_object();
  for (const auto& [key, line] : {std::pair{"some", pressure->some}, std::pair{"full", pressure->full}}) {
    json.key(key).begin_object().member("avg10", line.last_10_seconds).member("avg60", line.last_minute);
    json.member("avg300", line.last_5_minutes).member("total", line.total_microseconds).end_object();
  }
  json.end_object();
}

void add_cpu(base::JsonWriter& json, const runtime::CgroupStatistics& statistics) {
  json.key("cpu").begin_object().key("usage").begin_object();
  add(json, "total", statistics.cpu_total);
  add_numbers(json, "percpu", statistics.cpu_usages);
  add_numbers(json, "percpu_kernel", statistics.cpu_kernel_usages);
  add_numbers(json, "percpu_user", statistics.cpu_user_usages);
  json.member("kernel", statistics.cpu_system.value_or(0)).member("user", statistics.cpu_user.value_or(0));
  json.end_object().key("throttling").begin_object();
  add_unless_zero(json, "periods", statistics.cpu_periods);
  add_unless_zero(json, "throttledPeriods", statistics.cpu_throttled_periods);
  add_unless_zero(json, "throttledTime", statistics.cpu_throttled);
  json.end_object();
  add_pressure(json, statistics.cpu_pressure);
  json.end_object();
}

/// "0-2,5" as an array; left out when it is empty.
void add_list(base::JsonWriter& json, std::string_view key, std::string_view list) {
  std::vector<std::uint64_t> numbers;
  for (const std::string_view part : base::split(list, ',')) {
    const auto pair = base::split_once(part, '-');
    const auto first = base::parse_unsigned(pair ? pair->first : part);
    const auto last = pair ? base::parse_unsigned(pair->second) : first;
    if (!first || !last) continue;
    for (std::uint64_t number = *first; number <= *last && numbers.size() < max_cpus; ++number)
      numbers.push_back(number);
  }
  add_numbers(json, key, numbers);
}

void add_cpuset(base::JsonWriter& json, const runtime::CgroupStatistics& statistics) {
  const auto text_of = [&](std::string_view name) -> std::string_view {
    for (const auto& [key, text] : statistics.cpuset)
      if (key == name) return text;
    return {};
  };
  json.key("cpuset").begin_object();
  for (const char* name :
       {"cpus", "cpu_exclusive", "mems", "mem_hardwall", "mem_exclusive", "memory_migrate", "memory_spread_page",
        "memory_spread_slab", "memory_pressure", "sched_load_balance", "sched_relax_domain_level"}) {
    const std::string_view key{name};
    if (key == "cpus" || key == "mems")
      add_list(json, key, text_of(key));
    else
      json.member(key, base::parse_signed(text_of(key)).value_or(0));
  }
  json.end_object();
}

Figure memory_figure(const runtime::CgroupStatistics& statistics, std::string_view key) {
  for (const auto& [name, value] : statistics.memory_stat)
    if (name == key) return value;
  return std::nullopt;
}

Figure sum(const Figure& one, const Figure& other) {
  return one && other ? Figure{*one + *other} : std::nullopt;
}

/// Memory and swap together, as version 1 counts and runc prints for both versions.
void add_swap(base::JsonWriter& json, const runtime::CgroupStatistics& statistics) {
  const Figure limit = sum(statistics.memory_limit, statistics.swap_limit);
  json.key("swap").begin_object();
  json.member("limit", statistics.swap_usage ? limit.value_or(unlimited) : 0);
  add_unless_zero(json, "usage", sum(statistics.memory_usage, statistics.swap_usage));
  add_unless_zero(json, "max", statistics.both_peak);
  json.member("failcnt", statistics.both_failures.value_or(0)).end_object();
}

void add_counter(base::JsonWriter& json, std::string_view key, const runtime::CgroupStatistics::Counter& counter) {
  json.key(key).begin_object().member("limit", counter.limit.value_or(0));
  add_unless_zero(json, "usage", counter.usage);
  add_unless_zero(json, "max", counter.peak);
  json.member("failcnt", counter.failures.value_or(0)).end_object();
}

void add_memory(base::JsonWriter& json, const runtime::CgroupStatistics& statistics) {
  json.key("memory").begin_object();
  const Figure file = memory_figure(statistics, "file");  // version 2; "cache" in version 1
  add_unless_zero(json, "cache", file ? file : memory_figure(statistics, "cache"));
  json.key("usage").begin_object();
  json.member("limit", statistics.memory_usage ? statistics.memory_limit.value_or(unlimited) : 0);
  add(json, "usage", statistics.memory_usage);
  add(json, "max", statistics.memory_peak);
  json.member("failcnt", statistics.memory_failures.value_or(0)).end_object();
  add_swap(json, statistics);
  add_counter(json, "kernel", statistics.kernel_memory);
  add_counter(json, "kernelTCP", statistics.tcp_memory);
  if (!statistics.memory_stat.empty()) {
    json.key("raw").begin_object();
    for (const auto& [name, value] : statistics.memory_stat) json.member(name, value);
    json.end_object();
  }
  add_pressure(json, statistics.memory_pressure);
  json.end_object();
}

void add_huge_pages(base::JsonWriter& json, const runtime::CgroupStatistics& statistics) {
  json.key("hugetlb").begin_object();
  for (const auto& pages : statistics.huge_pages) {
    json.key(pages.size).begin_object();
    add_unless_zero(json, "usage", pages.usage);
    add_unless_zero(json, "max", pages.peak);
    json.member("failcnt", pages.failures).end_object();
  }
  json.end_object();
}

void add_pids(base::JsonWriter& json, const runtime::CgroupStatistics& statistics) {
  json.key("pids").begin_object();
  add(json, "current", statistics.pids_current);
  add(json, "limit", statistics.pids_limit);
  json.end_object();
}

using Io = runtime::CgroupStatistics::Io;

void add_io(base::JsonWriter& json, std::string_view key, const std::vector<Io>& devices, std::uint64_t Io::*reads,
            std::uint64_t Io::*writes) {
  json.key(key).begin_array();
  for (const Io& device : devices)
    for (const auto& [operation, value] : {std::pair{"Read", device.*reads}, std::pair{"Write", device.*writes}}) {
      json.begin_object().member("major", device.major).member("minor", device.minor).member("op", operation);
      json.member("value", value).end_object();
    }
  json.end_array();
}

void add_block_io(base::JsonWriter& json, const runtime::CgroupStatistics& statistics) {
  json.key("blkio").begin_object();
  if (!statistics.io.empty()) {
    add_io(json, "ioServiceBytesRecursive", statistics.io, &Io::read_bytes, &Io::write_bytes);
    add_io(json, "ioServicedRecursive", statistics.io, &Io::reads, &Io::writes);
  }
  add_pressure(json, statistics.io_pressure);
  json.end_object();
}

constexpr std::pair<std::string_view, double> units[] = {{"ms", 1},  {"us", 1e-3}, {"ns", 1e-6},
                                                         {"s", 1e3}, {"m", 60e3},  {"h", 3600e3}};

/// Takes "1.5h" off the front of `text`; nothing when there is no such thing.
std::optional<double> take_part(std::string_view& text) {
  double number = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (result.ec != std::errc{} || number < 0) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(result.ptr - text.data()));
  for (const auto& [unit, milliseconds] : units) {
    if (!text.starts_with(unit)) continue;
    text.remove_prefix(unit.size());
    return number * milliseconds;
  }
  return std::nullopt;
}

}  // namespace

std::string statistics_event(const std::string& id, const runtime::CgroupStatistics& statistics) {
  base::JsonWriter json;
  json.begin_object().member("type", "stats").member("id", id).key("data").begin_object();
  add_cpu(json, statistics);
  add_cpuset(json, statistics);
  add_memory(json, statistics);
  add_pids(json, statistics);
  add_block_io(json, statistics);
  add_huge_pages(json, statistics);
  json.key("intel_rdt").begin_object().end_object();
  json.key("network_interfaces").null();
  json.end_object().end_object();
  return json.take();
}

std::chrono::milliseconds parse_go_duration(std::string_view text) {
  constexpr double longest = 1e9;  // eleven days; poll(2) counts in int
  double sum = 0;
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto part = take_part(rest);
    if (!part) break;
    sum += *part;
  }
  if (!rest.empty() || sum < 1 || sum > longest)
    throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(text), " is not a duration such as 5s");
  return std::chrono::milliseconds{static_cast<std::int64_t>(sum)};
}

}  // namespace cmd
