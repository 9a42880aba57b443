#include <algorithm>
#include <iterator>
#include <set>

#include "base/json.hpp"
#include "runtime/process_attributes.hpp"
#include "runtime/spec.hpp"
#include "runtime/spec_linux.hpp"
#include "runtime/spec_text.hpp"

// Source of every field: runtime-spec config.md "Process".

namespace runtime {
namespace {

using base::JsonAt;

constexpr int lowest_oom_score = -1000;
constexpr int highest_oom_score = 1000;
constexpr int lowest_nice = -20;  // setpriority(2)
constexpr int highest_nice = 19;
constexpr int lowest_real_time_priority = 1;  // sched(7)
constexpr int highest_real_time_priority = 99;
constexpr std::uint64_t highest_io_priority = 7;  // ioprio_set(2)

constexpr std::string_view rlimit_names[] = {
    "RLIMIT_AS",      "RLIMIT_CORE",     "RLIMIT_CPU",        "RLIMIT_DATA",   "RLIMIT_FSIZE", "RLIMIT_LOCKS",
    "RLIMIT_MEMLOCK", "RLIMIT_MSGQUEUE", "RLIMIT_NICE",       "RLIMIT_NOFILE", "RLIMIT_NPROC", "RLIMIT_RSS",
    "RLIMIT_RTPRIO",  "RLIMIT_RTTIME",   "RLIMIT_SIGPENDING", "RLIMIT_STACK",
};

// Unknown names are no error: they are left out with a warning when the process is made (config.md "Linux Process").
Capabilities parse_capabilities(const JsonAt& json) {
  require_object(json);
  return {.bounding = json.strings_or_empty("bounding"),
          .effective = json.strings_or_empty("effective"),
          .inheritable = json.strings_or_empty("inheritable"),
          .permitted = json.strings_or_empty("permitted"),
          .ambient = json.strings_or_empty("ambient")};
}

std::vector<Rlimit> parse_rlimits(const JsonAt& json) {
  std::vector<Rlimit> rlimits;
  std::set<std::string> seen;
  for (const JsonAt& entry : json.array()) {
    const JsonAt type = entry.at("type");
    Rlimit rlimit{.type = type.string(),
                  .soft = entry.at("soft").unsigned_integer(),
                  .hard = entry.at("hard").unsigned_integer()};
    if (std::find(std::begin(rlimit_names), std::end(rlimit_names), rlimit.type) == std::end(rlimit_names))
      throw type.error(base::concat("is ", base::quoted(rlimit.type), ", which is no resource limit"));
    if (!seen.insert(rlimit.type).second) throw type.error("stands twice");
    if (rlimit.soft > rlimit.hard) throw entry.at("soft").error("is above hard");
    rlimits.push_back(std::move(rlimit));
  }
  return rlimits;
}

// "username" is for Windows and ignored, as every property that means nothing here.
User parse_user(const JsonAt& json) {
  User user{.uid = id_of(json.at("uid")), .gid = id_of(json.at("gid"))};
  if (const auto umask = json.find("umask")) {
    const std::uint64_t bits = umask->unsigned_integer();
    if (bits > 0777) throw umask->error("has bits beyond 0777");
    user.umask = static_cast<std::uint32_t>(bits);
  }
  if (const auto groups = json.find("additionalGids"))
    for (const JsonAt& group : groups->array()) user.additional_gids.push_back(id_of(group));
  if (user.additional_gids.size() > max_additional_gids) throw json.at("additionalGids").error("has too many entries");
  return user;
}

ConsoleSize parse_console_size(const JsonAt& json) {
  ConsoleSize size;
  const std::uint64_t height = json.at("height").unsigned_integer();
  const std::uint64_t width = json.at("width").unsigned_integer();
  if (height > UINT16_MAX || width > UINT16_MAX) throw json.error("is larger than 65535");
  size.height = static_cast<unsigned>(height);
  size.width = static_cast<unsigned>(width);
  return size;
}

std::int32_t small_number_of(const JsonAt& json, int lowest, int highest) {
  const std::int64_t number = json.integer();
  if (number < lowest || number > highest) throw json.error(base::concat("is not between ", lowest, " and ", highest));
  return static_cast<std::int32_t>(number);
}

// The kernel would refuse or ignore what does not belong to the policy; Source: sched(7), sched_setattr(2).
void check_scheduler(const JsonAt& json, const Scheduler& scheduler) {
  const std::string& policy = scheduler.policy;
  const bool is_real_time = policy == "SCHED_FIFO" || policy == "SCHED_RR";
  const bool is_deadline = policy == "SCHED_DEADLINE";
  if (is_real_time &&
      (scheduler.priority < lowest_real_time_priority || scheduler.priority > highest_real_time_priority))
    throw json.error(base::concat("has a priority that is not between 1 and 99, which ", policy, " needs"));
  if (!is_real_time && scheduler.priority != 0)
    throw json.at("priority").error(base::concat("means nothing with ", policy));
  if (scheduler.nice != 0 && policy != "SCHED_OTHER" && policy != "SCHED_BATCH")
    throw json.at("nice").error(base::concat("means nothing with ", policy));
  if (!is_deadline && (scheduler.runtime | scheduler.deadline | scheduler.period) != 0)
    throw json.error(base::concat("has runtime, deadline or period, which mean nothing with ", policy));
  const std::uint64_t period = scheduler.period != 0 ? scheduler.period : scheduler.deadline;
  if (is_deadline && (scheduler.runtime == 0 || scheduler.runtime > scheduler.deadline || scheduler.deadline > period))
    throw json.error("needs 0 < runtime <= deadline <= period");
}

Scheduler parse_scheduler(const JsonAt& json) {
  Scheduler scheduler{.policy = json.at("policy").string(), .flags = json.strings_or_empty("flags")};
  if (const auto nice = json.find("nice")) scheduler.nice = small_number_of(*nice, lowest_nice, highest_nice);
  if (const auto priority = json.find("priority"))
    scheduler.priority = small_number_of(*priority, 0, highest_real_time_priority);
  scheduler.runtime = json.unsigned_or("runtime", 0);
  scheduler.deadline = json.unsigned_or("deadline", 0);
  scheduler.period = json.unsigned_or("period", 0);
  check_words(json, [&] { scheduler_of(scheduler); });
  check_scheduler(json, scheduler);
  return scheduler;
}

IoPriority parse_io_priority(const JsonAt& json) {
  const std::uint64_t level = json.at("priority").unsigned_integer();
  if (level > highest_io_priority) throw json.at("priority").error("is not between 0 and 7");
  IoPriority priority{.priority_class = json.at("class").string(), .priority = static_cast<unsigned>(level)};
  check_words(json.at("class"), [&] { io_priority_of(priority); });
  return priority;
}

CpuAffinity parse_affinity(const JsonAt& json) {
  require_object(json);
  CpuAffinity affinity{.initial = json.string_or("initial", ""), .final = json.string_or("final", "")};
  if (!affinity.initial.empty()) check_words(json.at("initial"), [&] { number_list_bits(affinity.initial); });
  if (!affinity.final.empty()) check_words(json.at("final"), [&] { number_list_bits(affinity.final); });
  return affinity;
}

std::vector<std::string> parse_args(const JsonAt& json) {
  std::vector<std::string> args = json.strings();
  if (args.empty()) throw json.error("is empty");
  if (args.front().empty()) throw json.error("begins with an empty word");
  return args;
}

}  // namespace

Process parse_process(const JsonAt& json) {
  Process process;
  process.terminal = json.boolean_or("terminal", false);
  // "Runtimes MUST ignore consoleSize if terminal is false or unset."
  const auto size = json.find("consoleSize");
  if (size && process.terminal) process.console_size = parse_console_size(*size);
  if (const auto user = json.find("user")) process.user = parse_user(*user);
  process.args = parse_args(json.at("args"));
  if (const auto env = json.find("env")) process.env = env->strings();
  process.cwd = absolute_path_of(json.at("cwd"));
  if (const auto capabilities = json.find("capabilities")) process.capabilities = parse_capabilities(*capabilities);
  if (const auto rlimits = json.find("rlimits")) process.rlimits = parse_rlimits(*rlimits);
  process.no_new_privileges = json.boolean_or("noNewPrivileges", false);
  process.apparmor_profile = json.string_or("apparmorProfile", "");
  process.selinux_label = json.string_or("selinuxLabel", "");
  if (const auto score = json.find("oomScoreAdj"))
    process.oom_score_adj = small_number_of(*score, lowest_oom_score, highest_oom_score);
  if (const auto scheduler = json.find("scheduler")) process.scheduler = parse_scheduler(*scheduler);
  if (const auto priority = json.find("ioPriority")) process.io_priority = parse_io_priority(*priority);
  if (const auto affinity = json.find("execCPUAffinity")) process.exec_cpu_affinity = parse_affinity(*affinity);
  return process;
}

}  // namespace runtime
