#include "runtime/stage.hpp"

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <linux/magic.h>
#include <string_view>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/log.hpp"
#include "runtime/capability_names.hpp"
#include "runtime/process_attributes.hpp"
#include "runtime/stub/plan.h"

namespace runtime {
namespace {

constexpr std::string_view default_search_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

struct RlimitName {
  std::string_view name;
  int resource;
};

constexpr RlimitName rlimit_names[] = {
    {"RLIMIT_AS", RLIMIT_AS},           {"RLIMIT_CORE", RLIMIT_CORE},         {"RLIMIT_CPU", RLIMIT_CPU},
    {"RLIMIT_DATA", RLIMIT_DATA},       {"RLIMIT_FSIZE", RLIMIT_FSIZE},       {"RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK}, {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE}, {"RLIMIT_NICE", RLIMIT_NICE},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},   {"RLIMIT_NPROC", RLIMIT_NPROC},       {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},   {"RLIMIT_RTTIME", RLIMIT_RTTIME},     {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_STACK", RLIMIT_STACK},
};

int resource_of(const std::string& name) {
  for (const RlimitName& entry : rlimit_names)
    if (entry.name == name) return entry.resource;
  throw base::make_error(base::ErrorKind::invalid_argument, base::quoted(name), " is no resource limit");
}

StageCapabilities plan_capabilities(const Capabilities& capabilities) {
  // What the kernel does not know cannot be had; asking for it would fail the whole set.
  const std::uint64_t known = kernel_capability_bits();
  return {.bounding = capability_bits(capabilities.bounding) & known,
          .permitted = capability_bits(capabilities.permitted) & known,
          .effective = capability_bits(capabilities.effective) & known,
          .inheritable = capability_bits(capabilities.inheritable) & known,
          .ambient = capability_bits(capabilities.ambient) & known};
}

/// Bit n: stream n is a pipe, which a program of another user could not open again as /dev/stdout. Terminals, files and
/// sockets of the caller stay as they are.
unsigned pipes_among(const std::vector<int>& streams) {
  unsigned pipes = 0;
  for (unsigned number = 0; number < 3; ++number) {
    struct statfs status {};
    if (::fstatfs(streams[number], &status) == 0 && status.f_type == PIPEFS_MAGIC) pipes |= 1u << number;
  }
  return pipes;
}

bool has_home(const std::vector<std::string>& env) {
  return std::any_of(env.begin(), env.end(), [](const std::string& entry) { return entry.starts_with("HOME="); });
}

[[noreturn]] void report_and_exit(int report, int code) noexcept {
  const stage_report failure{.step = STAGE_STEP_PLAN, .code = code, .hook = 0, .hook_status = 0};
  [[maybe_unused]] const ssize_t ignored = ::write(report, &failure, sizeof failure);
  ::_exit(STAGE_EXIT_FAILED);
}

}  // namespace

std::string search_path_of(const std::vector<std::string>& env) {
  constexpr std::string_view name = "PATH=";
  for (const std::string& entry : env)
    if (entry.starts_with(name)) return entry.substr(name.size());
  return std::string{default_search_path};
}

namespace {
bool has_other_groups(const User& user) {
  return std::any_of(user.additional_gids.begin(), user.additional_gids.end(),
                     [&](std::uint32_t gid) { return gid != user.gid; });
}
}  // namespace

StagePlan plan_stage(const Process& process, const SeccompFilter& seccomp, bool may_set_groups) {
  StagePlan plan;
  plan.uid = process.user.uid;
  plan.gid = process.user.gid;
  if (may_set_groups)
    plan.groups = process.user.additional_gids;
  else if (!process.user.keeps_groups && has_other_groups(process.user))
    base::log(base::LogLevel::warn, "additional groups are left out: only one group id is mapped here");
  plan.umask = process.user.umask;
  plan.capabilities = plan_capabilities(process.capabilities);
  for (const Rlimit& rlimit : process.rlimits)
    plan.rlimits.push_back({resource_of(rlimit.type), rlimit.soft, rlimit.hard});
  plan.argv = process.args;
  plan.env = process.env;
  plan.add_home = !has_home(process.env);
  plan.cwd = process.cwd;
  plan.search_path = search_path_of(process.env);
  plan.seccomp = seccomp.program;
  plan.seccomp_flags = seccomp.flags;
  plan.no_new_privileges = process.no_new_privileges;
  plan.controlling_tty = process.terminal;
  if (process.scheduler) plan.scheduler = scheduler_of(*process.scheduler);
  if (process.io_priority) plan.io_priority = io_priority_of(*process.io_priority);
  if (process.exec_cpu_affinity) plan.cpu_affinity = number_list_bits(process.exec_cpu_affinity->final);
  return plan;
}

void add_linux_attributes(const Linux& linux, StagePlan& plan) {
  if (linux.personality) plan.personality = personality_of(*linux.personality);
  if (linux.memory_policy) plan.memory_policy = memory_policy_of(*linux.memory_policy);
}

void add_start_hooks(const std::vector<Hook>& hooks, std::string state, StagePlan& plan) {
  for (const Hook& hook : hooks)
    plan.hooks.push_back({hook.path, hook.args, hook.env, hook.timeout_seconds.value_or(0)});
  plan.hook_state = std::move(state);
}

std::uint64_t ignored_signals() noexcept {
  std::uint64_t ignored = 0;
  for (int signal = 1; signal <= 64; ++signal) {
    struct sigaction action {};
    // EINVAL for the two signals that the C library keeps for itself: whoever executed us may have ignored them.
    if (::sigaction(signal, nullptr, &action) != 0 || action.sa_handler == SIG_IGN)
      ignored |= std::uint64_t{1} << (signal - 1);
  }
  return ignored;
}

PreparedStage::PreparedStage(const StagePlan& plan, const StageDescriptors& descriptors)
    : plan_(plan), inherited_{descriptors.stdin_fd, descriptors.stdout_fd, descriptors.stderr_fd} {
  if (plan.uid != 0) plan_.owned_streams = pipes_among(inherited_);
  inherited_.insert(inherited_.end(), descriptors.preserved.begin(), descriptors.preserved.end());
  executable_ = move_up(descriptors.executable);
  plan_.report_fd = move_up(descriptors.report);
  plan_.start_fd = move_up(descriptors.start);
  plan_.label_fd = move_up(descriptors.label);
  plan_.seccomp_agent_fd = move_up(descriptors.seccomp_agent);
  plan_.join_fd = move_up(descriptors.join);
  // All that are where another belongs, since it would be overwritten there.
  for (std::size_t place = 0; place < inherited_.size(); ++place)
    if (inherited_[place] != static_cast<int>(place)) inherited_[place] = move_up(inherited_[place]);
  plan_.preserve_fds = static_cast<unsigned>(descriptors.preserved.size());
  moved_.push_back(make_plan_fd(encode_stage_plan(plan_)));
  plan_fd_ = move_up(moved_.back().get());
}

int PreparedStage::move_up(int fd) {
  const int first_free = static_cast<int>(inherited_.size());
  if (fd < 0 || fd >= first_free) return fd;
  base::UniqueFd moved{::fcntl(fd, F_DUPFD_CLOEXEC, first_free)};
  if (!moved) throw base::os_error("moving descriptor ", fd);
  moved_.push_back(std::move(moved));
  return moved_.back().get();
}

void PreparedStage::execute() const noexcept {
  const int first_free = static_cast<int>(inherited_.size());
  for (int place = 0; place < first_free; ++place) {
    const int fd = inherited_[static_cast<std::size_t>(place)];
    if (fd < 0) {
      ::fcntl(place, F_SETFD, FD_CLOEXEC);  // whatever is open there
      continue;
    }
    // dup2(2) of a descriptor to itself would leave it close-on-exec.
    if ((fd == place ? ::fcntl(fd, F_SETFD, 0) : ::dup2(fd, place)) < 0) report_and_exit(plan_.report_fd, errno);
  }
  try {
    // Every descriptor was born close-on-exec; should one not have been, it ends here.
    base::set_close_on_exec_from(static_cast<unsigned>(first_free));
  } catch (const base::Error& error) {
    report_and_exit(plan_.report_fd, error.code());
  }
  report_and_exit(plan_.report_fd, exec_stage(executable_, plan_fd_, plan_));
}

void enter_stage(const StagePlan& plan, const StageDescriptors& descriptors) noexcept {
  try {
    PreparedStage{plan, descriptors}.execute();
  } catch (const base::Error& error) {
    report_and_exit(descriptors.report, error.code() != 0 ? error.code() : EINVAL);
  } catch (...) {
    report_and_exit(descriptors.report, ENOMEM);
  }
}

}  // namespace runtime
