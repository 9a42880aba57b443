#include "engine/update.hpp"

#include <deque>
#include <memory>

#include "base/error.hpp"
#include "cmd/commands.hpp"
#include "cmd/container/names.hpp"
#include "cmd/invocation.hpp"
#include "cmd/option_table.hpp"
#include "cmd/output.hpp"

namespace cmd {
namespace {

struct Limit {
  std::string_view name;
  char letter;
  std::string_view value_name, help;
};

constexpr Limit limits[] = {
    {"blkio-weight", 0, "WEIGHT", "Share of the block devices' time, 10 to 1000"},
    {"cpu-period", 0, "MICROSECONDS", "Period that --cpu-quota is of"},
    {"cpu-quota", 0, "MICROSECONDS", "CPU time in each period"},
    {"cpu-rt-period", 0, "MICROSECONDS", "Period of real-time scheduling; cgroup version 1"},
    {"cpu-rt-runtime", 0, "MICROSECONDS", "Real-time scheduling in each period; cgroup version 1"},
    {"cpu-shares", 'c', "SHARES", "Share of the CPUs' time beside others; 1024 is usual"},
    {"cpus", 0, "NUMBER", "How many CPUs' time it may take, such as 1.5"},
    {"cpuset-cpus", 0, "LIST", "CPUs that it may run on, such as 0-3,7"},
    {"cpuset-mems", 0, "LIST", "Memory nodes that it may use"},
    {"memory", 'm', "SIZE", "Most memory"},
    {"memory-reservation", 0, "SIZE", "Memory that it keeps when there is little"},
    {"memory-swap", 0, "SIZE", "Memory and swap together; -1: no limit"},
    {"memory-swappiness", 0, "PERCENT", "How readily it is swapped out; cgroup version 1"},
    {"pids-limit", 0, "NUMBER", "Most processes; -1: no limit"},
};

struct UpdateWords {
  std::deque<std::optional<std::string>> values;
  ContainerChoice choice;
};

}  // namespace

Action declare_update(OptionTable& table) {
  const auto words = std::make_shared<UpdateWords>();
  for (const Limit& limit : limits)
    table.text(limit.name, limit.letter, limit.value_name, words->values.emplace_back(), limit.help);
  for (const std::string_view later :
       {"blkio-weight-device", "device-read-bps", "device-read-iops", "device-write-bps", "device-write-iops"})
    table.known(later, 0, OptionKind::list, Treatment::refused);
  declare_latest_option(table, words->choice);
  declare_container_words(table, words->choice, Completes::running_containers);
  return [words](Invocation& invocation) {
    const std::vector<std::string> names = chosen_names(invocation, words->choice);
    engine::UpdateOptions options;
    for (std::size_t i = 0; i < words->values.size(); ++i)
      if (words->values[i]) options.limits.emplace_back(limits[i].name, *words->values[i]);
    for (const std::string& name : names) {
      options.container = name;
      print_line(engine::update(invocation.engine(), options));
    }
    return 0;
  };
}

}  // namespace cmd
