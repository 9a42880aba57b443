#include "engine/stats.hpp"

#include <algorithm>
#include <fcntl.h>
#include <unistd.h>

#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/fs.hpp"
#include "base/text.hpp"
#include "engine/container_cgroup.hpp"
#include "engine/container_processes.hpp"
#include "engine/selection.hpp"
#include "engine/verbs.hpp"

namespace engine {

namespace {

constexpr std::size_t max_proc_bytes = 1 << 20;

std::vector<std::string_view> fields_of(std::string_view line) {
  std::vector<std::string_view> fields = base::split(line, ' ');
  std::erase(fields, std::string_view{});
  return fields;
}

std::uint64_t host_memory_bytes() {
  const std::string text = base::read_file(AT_FDCWD, "/proc/meminfo", max_proc_bytes);
  for (const std::string_view line : base::split(text, '\n'))
    if (line.starts_with("MemTotal:"))
      if (const auto kib = base::parse_unsigned(fields_of(line).at(1))) return *kib * 1024;
  return 0;
}

void add_processes(ContainerStats& stats, pid_t init) {
  static const auto nanoseconds_per_tick = 1'000'000'000 / static_cast<std::uint64_t>(::sysconf(_SC_CLK_TCK));
  for (const ProcessFacts& process : container_processes(init)) {
    ++stats.processes;
    stats.memory_bytes += process.resident_kib * 1024;
    stats.cpu_nanoseconds += (process.user_ticks + process.system_ticks) * nanoseconds_per_tick;
    stats.cpu_system_nanoseconds += process.system_ticks * nanoseconds_per_tick;
  }
}

/// What its controllers count is better than sums over processes, of which some have ended; but it counts from when the
/// cgroup was made, so the time of CPUs stays that of /proc.
void add_cgroup(ContainerStats& stats, const runtime::CgroupStatistics& counted) {
  if (counted.memory_limit) stats.memory_limit_bytes = std::min(stats.memory_limit_bytes, *counted.memory_limit);
  if (counted.pids_current) stats.processes = *counted.pids_current;
  for (const runtime::CgroupStatistics::Io& io : counted.io) {
    stats.read_bytes += io.read_bytes;
    stats.written_bytes += io.write_bytes;
  }
}

void add_shares(ContainerStats& stats, const storage::ContainerState& state, const ContainerStats* before) {
  const auto share = [](std::uint64_t cpu, std::int64_t nanoseconds) {
    return nanoseconds <= 0 ? 0.0 : static_cast<double>(cpu) / static_cast<double>(nanoseconds) * 100.0;
  };
  const auto started = base::parse_rfc3339(state.started);
  const std::int64_t since = started ? started->time_since_epoch().count() : stats.taken_nanoseconds;
  stats.average_cpu = stats.cpu = share(stats.cpu_nanoseconds, stats.taken_nanoseconds - since);
  if (before != nullptr && before->taken_nanoseconds > since)
    stats.cpu = share(stats.cpu_nanoseconds - std::min(before->cpu_nanoseconds, stats.cpu_nanoseconds),
                      stats.taken_nanoseconds - before->taken_nanoseconds);
}

ContainerStats measure(Engine& engine, const storage::ContainerDir& container, const ContainerStats* before) {
  ContainerStats stats;
  stats.id = container.id;
  stats.name = record_or_id(container).name;
  stats.taken_nanoseconds = base::now().time_since_epoch().count();
  const Observed observed = observe(container, engine.host.boot_id);
  if (!observed.is_started()) return stats;
  const pid_t init = observed.state.process.pid;
  stats.memory_limit_bytes = host_memory_bytes();
  add_processes(stats, init);
  if (const auto text = base::try_read_file(AT_FDCWD, base::concat("/proc/", init, "/net/dev"), max_proc_bytes))
    std::tie(stats.received_bytes, stats.sent_bytes) = network_bytes(*text);
  if (const auto cgroup = find_container_cgroup(container)) add_cgroup(stats, cgroup->statistics());
  add_shares(stats, observed.state, before);
  return stats;
}

std::vector<std::string> chosen(Engine& engine, const StatsOptions& options) {
  if (!options.containers.empty()) return options.containers;
  if (options.all) return container_ids(engine);
  std::vector<std::string> ids;
  for (const ContainerSummary& container :
       list_containers(engine, {.all = false, .last = 0, .filters = {"status=running", "status=paused"}}))
    ids.push_back(container.id);
  return ids;
}

}  // namespace

std::pair<std::uint64_t, std::uint64_t> network_bytes(const std::string& net_dev) {
  std::pair<std::uint64_t, std::uint64_t> sum{0, 0};
  for (const std::string_view line : base::split(net_dev, '\n')) {
    const auto pair = base::split_once(line, ':');
    if (!pair || base::trim(pair->first) == "lo") continue;
    const std::vector<std::string_view> fields = fields_of(pair->second);
    if (fields.size() < 9) continue;
    sum.first += base::parse_unsigned(fields[0]).value_or(0);
    sum.second += base::parse_unsigned(fields[8]).value_or(0);
  }
  return sum;
}

std::vector<ContainerStats> stats(Engine& engine, const StatsOptions& options,
                                  const std::vector<ContainerStats>& before) {
  std::vector<ContainerStats> result;
  const std::vector<std::string> names = chosen(engine, options);
  if (names.empty()) return result;
  for (const Selected& one : select_containers(engine, names, options.containers.empty())) {
    const auto same = std::find_if(before.begin(), before.end(),
                                   [&](const ContainerStats& stats) { return stats.id == one.container.id; });
    result.push_back(measure(engine, one.container, same == before.end() ? nullptr : &*same));
  }
  return result;
}

}  // namespace engine
