#include "engine/stats.hpp"

#include <cstdio>
#include <iterator>
#include <memory>
#include <thread>

#include "base/error.hpp"
#include "base/json_writer.hpp"
#include "base/text.hpp"
#include "cmd/commands.hpp"
#include "cmd/container/names.hpp"
#include "cmd/format.hpp"
#include "cmd/invocation.hpp"
#include "cmd/output.hpp"
#include "cmd/report.hpp"
#include "cmd/table.hpp"
#include "engine/templates/moment.hpp"

namespace cmd {
namespace {

using engine::ContainerStats;

// Source: podman 4.3's containers.containerStats.
constexpr std::string_view stats_shapes = R"(define.ContainerStats
  AvgCPU float64
  ContainerID string
  Name string
  CPU float64
  CPUNano uint64
  CPUSystemNano uint64
  SystemNano uint64
  MemUsage uint64
  MemLimit uint64
  MemPerc float64
  NetInput uint64
  NetOutput uint64
  BlockInput uint64
  BlockOutput uint64
  PIDs uint64
  UpTime time.Duration
  Duration uint64
containers.containerStats
  define.ContainerStats embedded
  ID string method
  CPUPerc string method
  AVGCPU string method
  Up string method
  MemPerc string method
  MemUsage string method
  MemUsageBytes string method
  NetIO string method
  BlockIO string method
  PIDS string method
)";

struct StatsWords {
  engine::StatsOptions options;
  ContainerChoice choice;
  std::string format;
  unsigned interval_seconds = 5;
  bool no_stream = false, no_reset = false, no_trunc = false;
};

std::string percent(double share) {
  char text[64];
  std::snprintf(text, sizeof text, "%.2f%%", share);
  return text;
}

/// In powers of 1024, "1.177MiB": docker/go-units BytesSize.
std::string binary(std::uint64_t bytes) {
  constexpr const char* units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  auto size = static_cast<double>(bytes);
  std::size_t unit = 0;
  for (; size >= 1024 && unit + 1 < std::size(units); ++unit) size /= 1024;
  char text[64];
  std::snprintf(text, sizeof text, "%.4g%s", size, units[unit]);
  return text;
}

std::string pair_text(std::uint64_t one, std::uint64_t other) {
  return base::concat(base::human_size(one), " / ", base::human_size(other));
}

double memory_share(const ContainerStats& stats) {
  if (stats.memory_limit_bytes == 0) return 0;
  return static_cast<double>(stats.memory_bytes) / static_cast<double>(stats.memory_limit_bytes) * 100;
}

std::string cpu_time(const ContainerStats& stats) {
  return engine::templates::duration_text(static_cast<std::int64_t>(stats.cpu_nanoseconds));
}

void print_json(const std::vector<ContainerStats>& all) {
  base::JsonWriter json;
  json.begin_array();
  for (const ContainerStats& stats : all) {
    json.begin_object().member("id", stats.id.substr(0, 12)).member("name", stats.name);
    json.member("cpu_time", cpu_time(stats)).member("cpu_percent", percent(stats.cpu));
    json.member("avg_cpu", percent(stats.average_cpu));
    json.member("mem_usage", pair_text(stats.memory_bytes, stats.memory_limit_bytes));
    json.member("mem_percent", percent(memory_share(stats)));
    json.member("net_io", pair_text(stats.received_bytes, stats.sent_bytes));
    json.member("block_io", pair_text(stats.read_bytes, stats.written_bytes));
    json.member("pids", base::concat(stats.processes)).end_object();
  }
  json.end_array();
  print_line(indented_json(json.text(), 1));
}

std::string report_json(const std::vector<ContainerStats>& all, bool no_trunc) {
  base::JsonWriter json;
  json.begin_array();
  for (const ContainerStats& stats : all) {
    json.begin_object().member("AvgCPU", stats.average_cpu).member("ContainerID", stats.id).member("Name", stats.name);
    json.member("CPU", stats.cpu).member("CPUNano", stats.cpu_nanoseconds);
    json.member("CPUSystemNano", stats.cpu_system_nanoseconds).member("SystemNano", stats.taken_nanoseconds);
    json.member("MemUsage", stats.memory_bytes).member("MemLimit", stats.memory_limit_bytes);
    json.member("MemPerc", memory_share(stats)).member("NetInput", stats.received_bytes);
    json.member("NetOutput", stats.sent_bytes).member("BlockInput", stats.read_bytes);
    json.member("BlockOutput", stats.written_bytes).member("PIDs", stats.processes);
    json.member("UpTime", stats.cpu_nanoseconds).member("Duration", stats.cpu_nanoseconds);
    json.member("ID()", no_trunc ? stats.id : stats.id.substr(0, 12)).member("CPUPerc()", percent(stats.cpu));
    json.member("AVGCPU()", percent(stats.average_cpu)).member("Up()", cpu_time(stats));
    json.member("MemPerc()", percent(memory_share(stats)));
    json.member("MemUsage()", pair_text(stats.memory_bytes, stats.memory_limit_bytes));
    json.member("MemUsageBytes()", base::concat(binary(stats.memory_bytes), " / ", binary(stats.memory_limit_bytes)));
    json.member("NetIO()", pair_text(stats.received_bytes, stats.sent_bytes));
    json.member("BlockIO()", pair_text(stats.read_bytes, stats.written_bytes));
    json.member("PIDS()", base::concat(stats.processes)).end_object();
  }
  json.end_array();
  return json.take();
}

void print_stats(const std::vector<ContainerStats>& all, const StatsWords& words) {
  const Form form = form_of(words.format);
  if (form == Form::json) return print_json(all);
  if (form != Form::own)
    return Report("stats", stats_shapes, "[]containers.containerStats", report_json(all, words.no_trunc))
        .print_rows(words.format, {{"CPUPerc", "CPU %"},
                                   {"MemUsage", "MEM USAGE / LIMIT"},
                                   {"MemUsageBytes", "MEM USAGE / LIMIT"},
                                   {"MemPerc", "MEM %"},
                                   {"NetIO", "NET IO"},
                                   {"BlockIO", "BLOCK IO"},
                                   {"PIDS", "PIDS"},
                                   {"UpTime", "CPU TIME"},
                                   {"AvgCPU", "AVG CPU %"}});
  Table table{
      {"ID", "NAME", "CPU %", "MEM USAGE / LIMIT", "MEM %", "NET IO", "BLOCK IO", "PIDS", "CPU TIME", "AVG CPU %"}};
  for (const ContainerStats& stats : all)
    table.add_row({words.no_trunc ? stats.id : stats.id.substr(0, 12), stats.name, percent(stats.cpu),
                   pair_text(stats.memory_bytes, stats.memory_limit_bytes), percent(memory_share(stats)),
                   pair_text(stats.received_bytes, stats.sent_bytes), pair_text(stats.read_bytes, stats.written_bytes),
                   base::concat(stats.processes), cpu_time(stats), percent(stats.average_cpu)});
  print(table.text(true));
}

int show(Invocation& invocation, StatsWords words) {
  if (words.options.all && !words.choice.names.empty())
    throw base::Error{base::ErrorKind::invalid_argument, "--all goes without names of containers"};
  words.options.containers = words.choice.names;
  if (words.choice.latest) words.options.containers.push_back(latest_container(invocation));
  const bool clears = !words.no_stream && !words.no_reset && form_of(words.format) != Form::json;
  std::vector<ContainerStats> before;
  while (true) {
    std::vector<ContainerStats> now = engine::stats(invocation.engine(), words.options, before);
    if (clears) print("\033[2J\033[1;1H");
    print_stats(now, words);
    if (words.no_stream) return 0;
    before = std::move(now);
    std::this_thread::sleep_for(std::chrono::seconds{words.interval_seconds});
  }
}

}  // namespace

Action declare_stats(OptionTable& table) {
  const auto words = std::make_shared<StatsWords>();
  table.flag("all", 'a', words->options.all, "Also containers that do not run");
  table.text("format", 0, "FORMAT", words->format,
             "table, json, or a Go template: {{.Name}} {{.MemUsage}} {{.CPUPerc}}");
  table.number("interval", 'i', "SECONDS", &words->interval_seconds, "How long from one report to the next");
  declare_latest_option(table, words->choice);
  table.flag("no-reset", 0, words->no_reset, "Leave the screen as it is between reports");
  table.flag("no-stream", 0, words->no_stream, "Report once");
  table.flag("no-trunc", 0, words->no_trunc, "Show ids in full");
  declare_container_words(table, words->choice, Completes::running_containers);
  return [words](Invocation& invocation) { return show(invocation, *words); };
}

}  // namespace cmd
