#include "runtime/stub_plan.hpp"

#include <array>
#include <linux/sched.h>

#include "base/error.hpp"
#include "runtime/stub/images.hpp"
#include "runtime/stub/plan.h"
#include "runtime/stub/plan_check.h"
#include "runtime/stub_buffer.hpp"

namespace runtime {
namespace {

std::uint32_t flags_of(const StagePlan& plan) {
  std::uint32_t flags = 0;
  const auto set = [&](bool on, stage_flag flag) {
    if (on) flags |= static_cast<std::uint32_t>(flag);
  };
  set(plan.no_new_privileges, STAGE_NO_NEW_PRIVS);
  set(plan.new_session, STAGE_SETSID);
  set(plan.controlling_tty, STAGE_CONTROLLING_TTY);
  set(plan.new_keyring, STAGE_NEW_KEYRING);
  set(plan.tiny_init, STAGE_TINY_INIT);
  set(plan.groups.has_value(), STAGE_SET_GROUPS);
  set(plan.umask.has_value(), STAGE_SET_UMASK);
  set(!plan.seccomp.empty(), STAGE_HAS_SECCOMP);
  set(plan.die_with_parent, STAGE_DIE_WITH_PARENT);
  set(plan.io_priority.has_value(), STAGE_SET_IO_PRIORITY);
  set(plan.personality.has_value(), STAGE_SET_PERSONALITY);
  set(plan.memory_policy.has_value(), STAGE_SET_MEMORY_POLICY);
  set(plan.oom_score.has_value(), STAGE_SET_OOM_SCORE);
  set(plan.add_home, STAGE_ADD_HOME);
  return flags;
}

void add_identity(const StagePlan& plan, StubBuffer& buffer, stage_plan& header) {
  header.uid = plan.uid;
  header.gid = plan.gid;
  header.umask_value = plan.umask.value_or(0);
  header.bounding = plan.capabilities.bounding;
  header.permitted = plan.capabilities.permitted;
  header.effective = plan.capabilities.effective;
  header.inheritable = plan.capabilities.inheritable;
  header.ambient = plan.capabilities.ambient;
  if (!plan.groups) return;
  header.group_count = static_cast<std::uint32_t>(plan.groups->size());
  header.groups = buffer.add_bytes(plan.groups->data(), plan.groups->size() * sizeof(gid_t));
}

void add_limits(const StagePlan& plan, StubBuffer& buffer, stage_plan& header) {
  std::vector<stage_rlimit> limits;
  for (const StageRlimit& limit : plan.rlimits)
    limits.push_back({static_cast<std::uint32_t>(limit.resource), 0, limit.soft, limit.hard});
  header.rlimit_count = static_cast<std::uint32_t>(limits.size());
  header.rlimits = buffer.add_bytes(limits.data(), limits.size() * sizeof(stage_rlimit));
}

void add_scheduling(const StagePlan& plan, StubBuffer& buffer, stage_plan& header) {
  header.personality = plan.personality.value_or(0);
  header.io_priority = static_cast<std::uint32_t>(plan.io_priority.value_or(0));
  if (plan.scheduler) {
    const StageScheduler& wanted = *plan.scheduler;
    // Older kernels know only the first version, whose size is without the clamps (SCHED_ATTR_SIZE_VER0, _VER1).
    const bool clamps = (wanted.flags & (SCHED_FLAG_UTIL_CLAMP_MIN | SCHED_FLAG_UTIL_CLAMP_MAX)) != 0;
    const stage_scheduler scheduler{.size = clamps ? 56u : 48u,
                                    .policy = wanted.policy,
                                    .flags = wanted.flags,
                                    .nice = wanted.nice,
                                    .priority = wanted.priority,
                                    .runtime = wanted.runtime,
                                    .deadline = wanted.deadline,
                                    .period = wanted.period,
                                    .clamp_min = 0,
                                    .clamp_max = 0};
    header.scheduler = buffer.add_bytes(&scheduler, sizeof scheduler);
  }
  const auto add_words = [&](const std::vector<std::uint64_t>& words, std::uint32_t& count, std::uint32_t& offset) {
    count = static_cast<std::uint32_t>(words.size());
    offset = buffer.add_bytes(words.data(), words.size() * sizeof(std::uint64_t));
  };
  add_words(plan.cpu_affinity, header.affinity_words, header.affinity);
  if (!plan.memory_policy) return;
  header.memory_mode = plan.memory_policy->mode;
  add_words(plan.memory_policy->nodes, header.node_words, header.nodes);
}

void add_filter(const StagePlan& plan, StubBuffer& buffer, stage_plan& header) {
  header.seccomp_count = static_cast<std::uint32_t>(plan.seccomp.size());
  header.seccomp = buffer.add_bytes(plan.seccomp.data(), plan.seccomp.size() * sizeof(sock_filter));
  header.seccomp_flags = plan.seccomp_flags;
  header.agent_fd = plan.seccomp_agent_fd;
  header.agent_state = buffer.add_string(plan.seccomp_state);
  header.agent_pid = static_cast<std::uint32_t>(plan.seccomp_pid);
}

void add_hooks(const StagePlan& plan, StubBuffer& buffer, stage_plan& header) {
  std::vector<stage_hook> hooks;
  for (const StageHook& hook : plan.hooks) {
    const std::vector<std::string> argv = hook.argv.empty() ? std::vector<std::string>{hook.path} : hook.argv;
    stage_hook& encoded = hooks.emplace_back();
    encoded.path = buffer.add_string(hook.path);
    encoded.argc = static_cast<std::uint32_t>(argv.size());
    encoded.argv = buffer.add_strings(argv);
    encoded.envc = static_cast<std::uint32_t>(hook.env.size());
    encoded.envp = buffer.add_strings(hook.env);
    encoded.timeout_seconds = hook.timeout_seconds;
  }
  header.hook_count = static_cast<std::uint32_t>(hooks.size());
  header.hooks = buffer.add_bytes(hooks.data(), hooks.size() * sizeof(stage_hook));
  header.hook_state = buffer.add_string(plan.hook_state);
}

void add_program(const StagePlan& plan, StubBuffer& buffer, stage_plan& header) {
  header.argc = static_cast<std::uint32_t>(plan.argv.size());
  header.argv = buffer.add_strings(plan.argv);
  header.envc = static_cast<std::uint32_t>(plan.env.size());
  header.envp = buffer.add_strings(plan.env);
  header.cwd = buffer.add_string(plan.cwd);
  header.search_path = buffer.add_string(plan.search_path);
  header.label = buffer.add_string(plan.label);
  header.label_file = buffer.add_string(plan.label_file);
}

void add_join(const StagePlan& plan, stage_plan& header) {
  header.join_fd = plan.join_fd;
  header.join_namespaces = plan.join_namespaces;
  header.oom_score = plan.oom_score.value_or(0);
  header.owned_streams = plan.owned_streams;
}

}  // namespace

std::string encode_stage_plan(const StagePlan& plan) {
  if (plan.argv.empty()) throw base::Error{base::ErrorKind::invalid_argument, "no command was given"};
  StubBuffer buffer{sizeof(stage_plan), STAGE_PLAN_MAX_BYTES, "the process"};
  stage_plan header{};
  header.magic = STAGE_PLAN_MAGIC;
  header.version = STAGE_PLAN_VERSION;
  header.flags = flags_of(plan);
  header.report_fd = static_cast<std::uint32_t>(plan.report_fd);
  header.start_fd = plan.start_fd;
  header.preserve_fds = plan.preserve_fds;
  header.label_fd = plan.label_fd;
  add_join(plan, header);
  add_identity(plan, buffer, header);
  header.ignored_signals = plan.ignored_signals;
  add_limits(plan, buffer, header);
  add_scheduling(plan, buffer, header);
  add_filter(plan, buffer, header);
  add_hooks(plan, buffer, header);
  add_program(plan, buffer, header);
  header.total_size = buffer.total_size();
  std::string bytes = std::move(buffer).finish(&header);
  if (stage_plan_is_valid(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()) == 0)
    throw base::Error{base::ErrorKind::internal, "the last stage's plan is not valid"};
  return bytes;
}

base::UniqueFd make_stage_executable() {
  return make_executable("engine-stage", {reinterpret_cast<const char*>(stage_image), stage_image_size});
}

std::string_view tiny_init_program() {
  return {reinterpret_cast<const char*>(init_image), init_image_size};
}

int exec_stage(int executable_fd, int plan_fd, const StagePlan& plan) noexcept {
  for (const int fd : {plan.report_fd, plan.start_fd, plan.label_fd, plan.seccomp_agent_fd, plan.join_fd})
    if (!make_inheritable(fd)) return errno;
  return exec_stub(executable_fd, "engine-stage", plan_fd);
}

std::string_view describe_stage_step(int step) {
  static constexpr std::array<std::string_view, STAGE_STEP_EXEC + 1> words = {
      "",
      "reading the last stage's plan",
      "waiting for the start",
      "setting process.oomScoreAdj",
      "joining the container's namespaces",
      "setting the security label",
      "starting a session",
      "taking the terminal",
      "making a session keyring",
      "setting resource limits",
      "setting the CPU affinity",
      "setting the scheduler",
      "setting the I/O priority",
      "setting the memory policy",
      "setting the personality",
      "closing descriptors",
      "dropping capabilities from the bounding set",
      "setting no-new-privileges",
      "setting supplementary groups",
      "setting the group id",
      "setting the user id",
      "setting capabilities",
      "setting ambient capabilities",
      "changing to the working directory",
      "running a startContainer hook",
      "loading the seccomp filter",
      "sending the seccomp listener to its agent",
      "starting the program below init",
      "looking for the program",
      "executing the program",
  };
  if (step <= 0 || step > STAGE_STEP_EXEC) return "doing something unknown in the last stage";
  return words[static_cast<std::size_t>(step)];
}

}  // namespace runtime
