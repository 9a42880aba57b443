#include "runtime/process_attributes.hpp"

#include <array>
#include <linux/mempolicy.h>
#include <linux/sched.h>
#include <optional>
#include <sys/personality.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utility>

#include "base/error.hpp"

namespace runtime {
namespace {

// Not in Debian 12's headers. Source: linux/mempolicy.h of 6.9; a comment in linux/sched.h reserves the other.
constexpr std::uint32_t weighted_interleave = 6, sched_iso = 4;

template <std::size_t Size>
using WordTable = std::array<std::pair<std::string_view, std::uint32_t>, Size>;

constexpr WordTable<7> policies = {{
    {"SCHED_OTHER", SCHED_NORMAL},
    {"SCHED_FIFO", SCHED_FIFO},
    {"SCHED_RR", SCHED_RR},
    {"SCHED_BATCH", SCHED_BATCH},
    {"SCHED_ISO", sched_iso},
    {"SCHED_IDLE", SCHED_IDLE},
    {"SCHED_DEADLINE", SCHED_DEADLINE},
}};

constexpr WordTable<7> scheduler_flags = {{
    {"SCHED_FLAG_RESET_ON_FORK", SCHED_FLAG_RESET_ON_FORK},
    {"SCHED_FLAG_RECLAIM", SCHED_FLAG_RECLAIM},
    {"SCHED_FLAG_DL_OVERRUN", SCHED_FLAG_DL_OVERRUN},
    {"SCHED_FLAG_KEEP_POLICY", SCHED_FLAG_KEEP_POLICY},
    {"SCHED_FLAG_KEEP_PARAMS", SCHED_FLAG_KEEP_PARAMS},
    {"SCHED_FLAG_UTIL_CLAMP_MIN", SCHED_FLAG_UTIL_CLAMP_MIN},
    {"SCHED_FLAG_UTIL_CLAMP_MAX", SCHED_FLAG_UTIL_CLAMP_MAX},
}};

// linux/ioprio.h of newer kernels is no C++. Source: ioprio_set(2).
constexpr int io_class_shift = 13;
constexpr WordTable<3> io_classes = {{
    {"IOPRIO_CLASS_RT", 1},
    {"IOPRIO_CLASS_BE", 2},
    {"IOPRIO_CLASS_IDLE", 3},
}};

constexpr WordTable<7> memory_modes = {{
    {"MPOL_DEFAULT", MPOL_DEFAULT},
    {"MPOL_BIND", MPOL_BIND},
    {"MPOL_INTERLEAVE", MPOL_INTERLEAVE},
    {"MPOL_WEIGHTED_INTERLEAVE", weighted_interleave},
    {"MPOL_PREFERRED", MPOL_PREFERRED},
    {"MPOL_PREFERRED_MANY", MPOL_PREFERRED_MANY},
    {"MPOL_LOCAL", MPOL_LOCAL},
}};

constexpr WordTable<3> memory_flags = {{
    {"MPOL_F_NUMA_BALANCING", MPOL_F_NUMA_BALANCING},
    {"MPOL_F_RELATIVE_NODES", MPOL_F_RELATIVE_NODES},
    {"MPOL_F_STATIC_NODES", MPOL_F_STATIC_NODES},
}};

constexpr WordTable<2> personalities = {{{"LINUX", PER_LINUX}, {"LINUX32", PER_LINUX32}}};

template <std::size_t Size>
std::uint32_t look_up(const WordTable<Size>& table, std::string_view word, std::string_view what) {
  for (const auto& [name, number] : table)
    if (name == word) return number;
  throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(word), " is no ", what);
}

constexpr std::uint64_t max_number = 8191;
constexpr unsigned max_io_level = 7;

/// "3" or "0-3"; nothing when it is neither.
std::optional<std::pair<std::uint64_t, std::uint64_t>> parse_range(std::string_view text) {
  const auto halves = base::split_once(text, '-');
  const auto first = base::parse_unsigned(halves ? halves->first : text);
  const auto last = halves ? base::parse_unsigned(halves->second) : first;
  if (!first || !last || *first > *last || *last > max_number) return std::nullopt;
  return std::pair{*first, *last};
}

}  // namespace

StageScheduler scheduler_of(const Scheduler& scheduler) {
  StageScheduler result;
  result.policy = look_up(policies, scheduler.policy, "scheduling policy");
  for (const std::string& flag : scheduler.flags) result.flags |= look_up(scheduler_flags, flag, "scheduling flag");
  result.nice = scheduler.nice;
  if (scheduler.priority < 0)
    throw base::make_error(base::ErrorKind::invalid_argument, "the scheduling priority ", scheduler.priority,
                           " is negative");
  result.priority = static_cast<std::uint32_t>(scheduler.priority);
  result.runtime = scheduler.runtime;
  result.deadline = scheduler.deadline;
  result.period = scheduler.period;
  return result;
}

int io_priority_of(const IoPriority& priority) {
  if (priority.priority > max_io_level)
    throw base::make_error(base::ErrorKind::invalid_argument, "the I/O priority ", priority.priority,
                           " is not between 0 and ", max_io_level);
  const std::uint32_t io_class = look_up(io_classes, priority.priority_class, "class of I/O priorities");
  return static_cast<int>(io_class << io_class_shift | priority.priority);
}

StageMemoryPolicy memory_policy_of(const MemoryPolicy& policy) {
  StageMemoryPolicy result;
  result.mode = look_up(memory_modes, policy.mode, "memory policy");
  for (const std::string& flag : policy.flags) result.mode |= look_up(memory_flags, flag, "flag of memory policies");
  result.nodes = number_list_bits(policy.nodes);
  return result;
}

unsigned long personality_of(std::string_view domain) {
  return look_up(personalities, domain, "personality");
}

std::vector<std::uint64_t> number_list_bits(std::string_view list) {
  std::vector<std::uint64_t> words;
  if (base::trim(list).empty()) return words;
  for (const std::string_view part : base::split(list, ',')) {
    const auto range = parse_range(base::trim(part));
    if (!range)
      throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(list),
                             " is no list of numbers such as \"0-3,7\"");
    if (words.size() <= range->second / 64) words.resize(range->second / 64 + 1);
    for (std::uint64_t number = range->first; number <= range->second; ++number)
      words[number / 64] |= std::uint64_t{1} << number % 64;
  }
  return words;
}

void set_cpu_affinity(pid_t child, std::string_view list) {
  const std::vector<std::uint64_t> words = number_list_bits(list);
  if (words.empty()) return;
  if (::syscall(SYS_sched_setaffinity, child, words.size() * sizeof words[0], words.data()) != 0)
    throw base::os_error("setting the CPU affinity to ", base::quoted(list));
}

}  // namespace runtime
