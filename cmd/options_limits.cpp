#include "cmd/limit_words.hpp"
#include "cmd/options_run.hpp"

// What a container may take of the machine, and the cgroup that keeps it.

namespace cmd {
namespace {

struct LimitOption {
  std::string_view name;
  char letter;
  std::string_view value_name, help;
  Check check;
  std::string_view form;
};

constexpr std::string_view weight_form = "0, or a number from 10 to 1000";
constexpr std::string_view microseconds_form = "a number of microseconds; 0 is the kernel's default";
constexpr std::string_view bytes_rate_form = "a device and bytes a second, such as /dev/sda:1mb";
constexpr std::string_view count_rate_form = "a device and operations a second, such as /dev/sda:1000";

constexpr LimitOption value_options[] = {
    {"blkio-weight", 0, "WEIGHT", "Share of the block devices' time, 10 to 1000", check_blkio_weight, weight_form},
    {"cpu-period", 0, "MICROSECONDS", "Period that --cpu-quota is of", check_unsigned, microseconds_form},
    {"cpu-quota", 0, "MICROSECONDS", "CPU time in each period", check_signed,
     "a number of microseconds; -1 is no limit"},
    {"cpu-rt-period", 0, "MICROSECONDS", "Period of real-time scheduling; cgroup version 1", check_unsigned,
     microseconds_form},
    {"cpu-rt-runtime", 0, "MICROSECONDS", "Real-time scheduling in each period; cgroup version 1", check_signed,
     microseconds_form},
    {"cpu-shares", 'c', "SHARES", "Share of the CPUs' time beside others; 1024 is usual", check_unsigned,
     "a weight such as 512; 0 is the default"},
    {"cpus", 0, "NUMBER", "How many CPUs' time it may take, such as 1.5", check_cpus, cpus_form},
    {"cpuset-cpus", 0, "LIST", "CPUs that it may run on, such as 0-3,7", check_list_of_numbers, number_list_form},
    {"cpuset-mems", 0, "LIST", "Memory nodes that it may use", check_list_of_numbers, number_list_form},
    {"memory", 'm', "SIZE", "Most memory; what takes more is killed", check_size, size_form},
    {"memory-reservation", 0, "SIZE", "Memory that it keeps when there is little", check_size, size_form},
    {"memory-swap", 0, "SIZE", "Memory and swap together; -1 is no limit, twice --memory when not given",
     check_size_or_unlimited, unlimited_form},
    {"memory-swappiness", 0, "PERCENT", "How readily it is swapped out; cgroup version 1", check_swappiness,
     "a percentage, or -1 for the kernel's default"},
    {"pids-limit", 0, "NUMBER", "Most processes; -1 is no limit", check_signed,
     "a number of processes; -1 is no limit"},
};

constexpr LimitOption list_options[] = {
    {"blkio-weight-device", 0, "DEVICE:WEIGHT", "The share of one device's time", check_device_weight,
     "a device and its weight, such as /dev/sda:100"},
    {"cgroup-conf", 0, "FILE=VALUE", "Write a control file of the container's cgroup; version 2", check_assignment,
     "a control file and its value: memory.high=1073741824"},
    {"device-cgroup-rule", 0, "RULE", "Devices that may be used besides the usual ones, for root", check_device_rule,
     "type, numbers and access, such as c 1:3 rwm"},
    {"device-read-bps", 0, "DEVICE:SIZE", "Most bytes a second that are read from a device", check_device_bytes,
     bytes_rate_form},
    {"device-read-iops", 0, "DEVICE:NUMBER", "Most reads a second from a device", check_device_count, count_rate_form},
    {"device-write-bps", 0, "DEVICE:SIZE", "Most bytes a second that are written to a device", check_device_bytes,
     bytes_rate_form},
    {"device-write-iops", 0, "DEVICE:NUMBER", "Most writes a second to a device", check_device_count, count_rate_form},
};

}  // namespace

void declare_limit_options(OptionTable& table, engine::LimitWords& limits) {
  for (const LimitOption& option : value_options)
    table.text(option.name, option.letter, option.value_name, limits.values[std::string{option.name}], option.help)
        .checked_by(option.check, option.form)
        .excludes(option.name == "cpus" ? "cpu-period|cpu-quota" : "");
  for (const LimitOption& option : list_options) {
    if (option.name == "cgroup-conf" || option.name == "device-cgroup-rule") continue;
    table.list(option.name, 0, option.value_name, limits.lists[std::string{option.name}], option.help)
        .checked_by(option.check, option.form);
  }
}

void declare_cgroup_options(OptionTable& table, engine::RunOptions& options) {
  declare_limit_options(table, options.limits);
  for (const LimitOption& option : list_options) {
    if (option.name != "cgroup-conf" && option.name != "device-cgroup-rule") continue;
    table.list(option.name, 0, option.value_name, options.limits.lists[std::string{option.name}], option.help)
        .checked_by(option.check, option.form);
  }
  table.flag("oom-kill-disable", 0, options.oom_kill_disable,
             "Let it stand still when its memory is used up, instead of killing; cgroup version 1");
  table
      .text("cgroups", 0, "MODE", options.cgroups,
            "Whether it may have a cgroup of its own; split: in that of the caller, for services of systemd")
      .choices("enabled|disabled|no-conmon|split");
  table.text("cgroup-parent", 0, "PARENT", options.cgroup_parent,
             "Where its cgroup is made: a slice of systemd, or a path with --cgroup-manager cgroupfs");
}

}  // namespace cmd
