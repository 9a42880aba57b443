#include "runtime/cgroup_statistics.hpp"

#include <algorithm>
#include <charconv>
#include <fcntl.h>

#include "base/fs.hpp"
#include "base/text.hpp"
#include "runtime/cgroup_folder.hpp"

namespace runtime {
namespace {

using Io = CgroupStatistics::Io;

constexpr std::size_t max_statistics_lines = 4096;
constexpr std::uint64_t nanoseconds_per_microsecond = 1000;
constexpr std::uint64_t nanoseconds_per_tick = 10'000'000;  // USER_HZ is 100 on all architectures that matter here
constexpr std::uint64_t legacy_unlimited = 1ULL << 62;      // v1 writes the largest multiple of a page

std::vector<std::pair<std::string, std::uint64_t>> parse_flat(std::string_view text) {
  std::vector<std::pair<std::string, std::uint64_t>> result;
  for (const std::string_view line : base::split(text, '\n')) {
    const auto fields = base::split_once(line, ' ');
    const auto value = fields ? base::parse_unsigned(base::trim(fields->second)) : std::nullopt;
    if (value && result.size() < max_statistics_lines) result.emplace_back(fields->first, *value);
  }
  return result;
}

std::optional<std::uint64_t> value_of(int folder, const std::string& file, std::string_view key) {
  const auto text = try_read_control(folder, file);
  return text ? value_in(*text, key) : std::nullopt;
}

/// "2MB", "1GB", as the hugetlb controller names its files. Source: the kernel's hugetlb cgroup documentation.
std::vector<std::string> huge_page_sizes() {
  constexpr std::string_view prefix = "hugepages-";
  constexpr std::uint64_t kibi = 1024;
  std::vector<std::string> sizes;
  const auto folder = base::try_open_directory(AT_FDCWD, "/sys/kernel/mm/hugepages");
  if (!folder) return sizes;
  for (const std::string_view name : base::list_directory(folder->get(), ".")) {
    if (!name.starts_with(prefix) || !name.ends_with("kB")) continue;
    const auto kilobytes = base::parse_unsigned(name.substr(prefix.size(), name.size() - prefix.size() - 2));
    if (!kilobytes || *kilobytes == 0) continue;
    if (*kilobytes >= kibi * kibi)
      sizes.push_back(base::concat(*kilobytes / kibi / kibi, "GB"));
    else
      sizes.push_back(*kilobytes >= kibi ? base::concat(*kilobytes / kibi, "MB") : base::concat(*kilobytes, "KB"));
  }
  std::sort(sizes.begin(), sizes.end());
  return sizes;
}

std::optional<std::uint64_t> scaled(const std::optional<std::uint64_t>& value, std::uint64_t factor) {
  return value ? std::optional{*value * factor} : std::nullopt;
}

void read_unified_memory(int folder, CgroupStatistics& result) {
  result.memory_usage = try_read_control_number(folder, "memory.current");
  result.memory_limit = try_read_control_number(folder, "memory.max");
  result.memory_peak = try_read_control_number(folder, "memory.peak");
  result.memory_failures = value_of(folder, "memory.events", "max");
  result.swap_usage = try_read_control_number(folder, "memory.swap.current");
  result.swap_limit = try_read_control_number(folder, "memory.swap.max");
  result.oom_kills = value_of(folder, "memory.events", "oom_kill");
  result.memory_stat = parse_flat(try_read_control(folder, "memory.stat").value_or(""));
}

std::optional<std::uint64_t> difference(std::optional<std::uint64_t> both, std::optional<std::uint64_t> one) {
  if (!both || !one) return std::nullopt;
  return *both > *one ? *both - *one : 0;
}

std::optional<std::uint64_t> legacy_limit(int folder, const std::string& file) {
  const auto limit = try_read_control_number(folder, file);
  return limit && *limit < legacy_unlimited ? limit : std::nullopt;
}

CgroupStatistics::Counter read_counter(int folder, const std::string& prefix) {
  return {.usage = try_read_control_number(folder, prefix + "usage_in_bytes"),
          .limit = try_read_control_number(folder, prefix + "limit_in_bytes"),
          .peak = try_read_control_number(folder, prefix + "max_usage_in_bytes"),
          .failures = try_read_control_number(folder, prefix + "failcnt")};
}

void read_legacy_memory(int folder, CgroupStatistics& result) {
  result.memory_usage = try_read_control_number(folder, "memory.usage_in_bytes");
  result.memory_limit = legacy_limit(folder, "memory.limit_in_bytes");
  result.memory_peak = try_read_control_number(folder, "memory.max_usage_in_bytes");
  result.memory_failures = try_read_control_number(folder, "memory.failcnt");
  result.swap_usage = difference(try_read_control_number(folder, "memory.memsw.usage_in_bytes"), result.memory_usage);
  result.swap_limit = difference(legacy_limit(folder, "memory.memsw.limit_in_bytes"), result.memory_limit);
  result.both_peak = try_read_control_number(folder, "memory.memsw.max_usage_in_bytes");
  result.both_failures = try_read_control_number(folder, "memory.memsw.failcnt");
  result.kernel_memory = read_counter(folder, "memory.kmem.");
  result.tcp_memory = read_counter(folder, "memory.kmem.tcp.");
  result.oom_kills = value_of(folder, "memory.oom_control", "oom_kill");
  result.memory_stat = parse_flat(try_read_control(folder, "memory.stat").value_or(""));
}

/// Also in a unified folder without the cpu controller, for cpu.stat is always there.
void read_unified_cpu(int folder, CgroupStatistics& result) {
  const std::string text = try_read_control(folder, "cpu.stat").value_or("");
  result.cpu_total = scaled(value_in(text, "usage_usec"), nanoseconds_per_microsecond);
  result.cpu_user = scaled(value_in(text, "user_usec"), nanoseconds_per_microsecond);
  result.cpu_system = scaled(value_in(text, "system_usec"), nanoseconds_per_microsecond);
  result.cpu_periods = value_in(text, "nr_periods");
  result.cpu_throttled_periods = value_in(text, "nr_throttled");
  result.cpu_throttled = scaled(value_in(text, "throttled_usec"), nanoseconds_per_microsecond);
}

void read_legacy_throttling(int folder, CgroupStatistics& result) {
  const std::string text = try_read_control(folder, "cpu.stat").value_or("");
  result.cpu_periods = value_in(text, "nr_periods");
  result.cpu_throttled_periods = value_in(text, "nr_throttled");
  result.cpu_throttled = value_in(text, "throttled_time");
}

void read_huge_pages(int folder, bool is_unified, CgroupStatistics& result) {
  for (const std::string& size : huge_page_sizes()) {
    const std::string prefix = base::concat("hugetlb.", size, '.');
    CgroupStatistics::HugePages pages{.size = size, .usage = {}, .peak = {}};
    pages.usage = try_read_control_number(folder, prefix + (is_unified ? "current" : "usage_in_bytes"));
    if (!pages.usage) continue;
    pages.peak = try_read_control_number(folder, prefix + "max_usage_in_bytes");
    pages.failures =
        (is_unified ? value_of(folder, prefix + "events", "max") : try_read_control_number(folder, prefix + "failcnt"))
            .value_or(0);
    result.huge_pages.push_back(std::move(pages));
  }
}

/// cpuacct.usage_all has a line for each CPU, "0 USER SYSTEM", below its headings.
void read_legacy_cpu_split(int folder, CgroupStatistics& result) {
  const std::string text = try_read_control(folder, "cpuacct.usage_all").value_or("");
  for (const std::string_view line : base::split(text, '\n')) {
    const auto words = base::split(line, ' ');
    const auto user = words.size() == 3 ? base::parse_unsigned(words[1]) : std::nullopt;
    const auto kernel = words.size() == 3 ? base::parse_unsigned(words[2]) : std::nullopt;
    if (!user || !kernel) continue;
    result.cpu_user_usages.push_back(*user);
    result.cpu_kernel_usages.push_back(*kernel);
  }
}

void read_cpuset(int folder, CgroupStatistics& result) {
  for (const char* name :
       {"cpus", "cpu_exclusive", "mems", "mem_hardwall", "mem_exclusive", "memory_migrate", "memory_spread_page",
        "memory_spread_slab", "memory_pressure", "sched_load_balance", "sched_relax_domain_level"})
    if (const auto text = try_read_control(folder, base::concat("cpuset.", name)))
      result.cpuset.emplace_back(name, base::trim(*text));
}

std::optional<CgroupStatistics::Pressure> read_pressure(int folder, const std::string& file) {
  const auto text = try_read_control(folder, file);
  return text ? parse_pressure(*text) : std::nullopt;
}

std::optional<double> parse_share(std::string_view text) {
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  return result.ec == std::errc{} ? std::optional{value} : std::nullopt;
}

void set_pressure_field(CgroupStatistics::Pressure::Line& line, std::string_view word) {
  const auto pair = base::split_once(word, '=');
  if (!pair) return;
  if (pair->first == "avg10") line.last_10_seconds = parse_share(pair->second).value_or(0);
  if (pair->first == "avg60") line.last_minute = parse_share(pair->second).value_or(0);
  if (pair->first == "avg300") line.last_5_minutes = parse_share(pair->second).value_or(0);
  if (pair->first == "total") line.total_microseconds = base::parse_unsigned(pair->second).value_or(0);
}

void read_legacy_cpu(int folder, CgroupStatistics& result) {
  result.cpu_total = try_read_control_number(folder, "cpuacct.usage");
  result.cpu_user = try_read_control_number(folder, "cpuacct.usage_user");
  result.cpu_system = try_read_control_number(folder, "cpuacct.usage_sys");
  const std::string each = try_read_control(folder, "cpuacct.usage_percpu").value_or("");
  for (const std::string_view word : base::split(base::trim(each), ' '))
    if (const auto usage = base::parse_unsigned(word)) result.cpu_usages.push_back(*usage);
  read_legacy_cpu_split(folder, result);
  if (result.cpu_user) return;
  const std::string text = try_read_control(folder, "cpuacct.stat").value_or("");
  result.cpu_user = scaled(value_in(text, "user"), nanoseconds_per_tick);
  result.cpu_system = scaled(value_in(text, "system"), nanoseconds_per_tick);
}

void read_pids(int folder, CgroupStatistics& result) {
  result.pids_current = try_read_control_number(folder, "pids.current");
  result.pids_limit = try_read_control_number(folder, "pids.max");
}

std::optional<std::pair<std::uint64_t, std::uint64_t>> device_of(std::string_view text) {
  const auto fields = base::split_once(text, ':');
  const auto major = fields ? base::parse_unsigned(fields->first) : std::nullopt;
  const auto minor = fields ? base::parse_unsigned(fields->second) : std::nullopt;
  if (!major || !minor) return std::nullopt;
  return std::pair{*major, *minor};
}

Io& entry_for(std::vector<Io>& entries, std::uint64_t major, std::uint64_t minor) {
  const auto known = std::find_if(entries.begin(), entries.end(),
                                  [&](const Io& io) { return io.major == major && io.minor == minor; });
  if (known != entries.end()) return *known;
  return entries.emplace_back(Io{major, minor, 0, 0, 0, 0});
}

void add_blkio(std::vector<Io>& entries, std::string_view text, std::uint64_t Io::*reads, std::uint64_t Io::*writes) {
  for (const std::string_view line : base::split(text, '\n')) {
    const std::vector<std::string_view> words = base::split(line, ' ');
    const auto device = words.size() == 3 ? device_of(words[0]) : std::nullopt;
    const auto value = device ? base::parse_unsigned(words[2]) : std::nullopt;
    if (!value || entries.size() >= max_statistics_lines) continue;
    Io& entry = entry_for(entries, device->first, device->second);
    if (words[1] == "Read") entry.*reads = *value;
    if (words[1] == "Write") entry.*writes = *value;
  }
}

void set_io_field(Io& io, std::string_view key, std::uint64_t value) {
  if (key == "rbytes") io.read_bytes = value;
  if (key == "wbytes") io.write_bytes = value;
  if (key == "rios") io.reads = value;
  if (key == "wios") io.writes = value;
}

}  // namespace

std::vector<Io> parse_io_stat(std::string_view text) {
  std::vector<Io> result;
  for (const std::string_view line : base::split(text, '\n')) {
    const std::vector<std::string_view> words = base::split(line, ' ');
    const auto device = device_of(words.front());
    if (!device || result.size() >= max_statistics_lines) continue;
    Io io{device->first, device->second, 0, 0, 0, 0};
    for (const std::string_view word : words) {
      const auto fields = base::split_once(word, '=');
      if (fields) set_io_field(io, fields->first, base::parse_unsigned(fields->second).value_or(0));
    }
    result.push_back(io);
  }
  return result;
}

std::optional<CgroupStatistics::Pressure> parse_pressure(std::string_view text) {
  CgroupStatistics::Pressure pressure;
  bool is_any = false;
  for (const std::string_view line : base::split(text, '\n')) {
    const auto words = base::split(line, ' ');
    if (words.front() != "some" && words.front() != "full") continue;
    is_any = true;
    for (const std::string_view word : words)
      set_pressure_field(words.front() == "some" ? pressure.some : pressure.full, word);
  }
  return is_any ? std::optional{pressure} : std::nullopt;
}

std::vector<Io> parse_blkio(std::string_view bytes, std::string_view operations) {
  std::vector<Io> result;
  add_blkio(result, bytes, &Io::read_bytes, &Io::write_bytes);
  add_blkio(result, operations, &Io::reads, &Io::writes);
  return result;
}

CgroupStatistics read_cgroup_statistics(const CgroupFolders& folders) {
  CgroupStatistics result;
  const int unified = folders.unified.get();
  const LegacyFolder* memory = folders.find_legacy("memory");
  const LegacyFolder* cpuacct = folders.find_legacy("cpuacct");
  const LegacyFolder* pids = folders.find_legacy("pids");
  const LegacyFolder* blkio = folders.find_legacy("blkio");
  if (unified >= 0) {
    read_unified_memory(unified, result);
    read_unified_cpu(unified, result);
    read_pids(unified, result);
    read_huge_pages(unified, true, result);
    result.io = parse_io_stat(try_read_control(unified, "io.stat").value_or(""));
    result.cpu_pressure = read_pressure(unified, "cpu.pressure");
    result.memory_pressure = read_pressure(unified, "memory.pressure");
    result.io_pressure = read_pressure(unified, "io.pressure");
  }
  if (memory != nullptr) read_legacy_memory(memory->folder.get(), result);
  if (cpuacct != nullptr) read_legacy_cpu(cpuacct->folder.get(), result);
  if (const LegacyFolder* cpuset = folders.find_legacy("cpuset")) read_cpuset(cpuset->folder.get(), result);
  if (pids != nullptr) read_pids(pids->folder.get(), result);
  if (const LegacyFolder* cpu = folders.find_legacy("cpu")) read_legacy_throttling(cpu->folder.get(), result);
  if (const LegacyFolder* hugetlb = folders.find_legacy("hugetlb")) {
    result.huge_pages.clear();
    read_huge_pages(hugetlb->folder.get(), false, result);
  }
  if (blkio != nullptr)
    result.io =
        parse_blkio(try_read_control(blkio->folder.get(), "blkio.throttle.io_service_bytes_recursive").value_or(""),
                    try_read_control(blkio->folder.get(), "blkio.throttle.io_serviced_recursive").value_or(""));
  return result;
}

}  // namespace runtime
