#include <cerrno>
#include <csignal>
#include <doctest/doctest.h>
#include <linux/mempolicy.h>
#include <sched.h>
#include <string>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"
#include "runtime/process_attributes.hpp"
#include "runtime/stage.hpp"
#include "tests/unit/runtime/stub_runner.hpp"

namespace runtime {
namespace {

std::string shell(const std::string& script, StagePlan plan) {
  plan.argv = {"sh", "-c", script};
  const StageResult result = run_stage(std::move(plan));
  CHECK_FALSE(result.report.has_value());
  return result.out;
}

stage_report failure_of(const StagePlan& plan) {
  const StageResult result = run_stage(plan);
  REQUIRE(result.report.has_value());
  return *result.report;
}

bool has_memory_policies() {
  if (::syscall(SYS_set_mempolicy, MPOL_DEFAULT, nullptr, 0) == 0) return true;
  MESSAGE("skipped: set_mempolicy(2) is not for us here");
  return false;
}

/// A CPU that we may run on.
std::size_t some_cpu() {
  cpu_set_t allowed;
  REQUIRE(::sched_getaffinity(0, sizeof allowed, &allowed) == 0);
  std::size_t cpu = 0;
  while (!CPU_ISSET(cpu, &allowed)) ++cpu;
  return cpu;
}

}  // namespace

TEST_CASE("number lists become bits") {
  using Words = std::vector<std::uint64_t>;
  CHECK(number_list_bits("") == Words{});
  CHECK(number_list_bits("0") == Words{1});
  CHECK(number_list_bits("0-3,7") == Words{0x8f});
  CHECK(number_list_bits(" 1 , 63-64\n") == Words{(std::uint64_t{1} << 63) | 2, 1});
  CHECK(number_list_bits("8191").size() == 128);
  for (const char* bad : {",", "1,", "a", "-1", "1-", "3-1", "8192", "0-99999999999999999999", "1 2", "0x1"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(number_list_bits(bad), base::Error);
  }
}

TEST_CASE("words that the kernel has no number for are refused by name") {
  CHECK_THROWS_WITH_AS(scheduler_of({.policy = "SCHED_FAST", .flags = {}}), "\"SCHED_FAST\" is no scheduling policy",
                       base::Error);
  CHECK_THROWS_AS(scheduler_of({.policy = "SCHED_RR", .flags = {"SCHED_FLAG_X"}}), base::Error);
  CHECK_THROWS_AS(scheduler_of({.policy = "SCHED_RR", .flags = {}, .priority = -1}), base::Error);
  CHECK_THROWS_AS(io_priority_of({"IOPRIO_CLASS_NONE", 0}), base::Error);
  CHECK_THROWS_AS(io_priority_of({"IOPRIO_CLASS_BE", 8}), base::Error);
  CHECK_THROWS_AS(memory_policy_of({.mode = "MPOL_NEAR", .nodes = "", .flags = {}}), base::Error);
  CHECK_THROWS_AS(memory_policy_of({.mode = "MPOL_BIND", .nodes = "0", .flags = {"MPOL_F_X"}}), base::Error);
  CHECK_THROWS_AS(personality_of("LINUX64"), base::Error);
}

TEST_CASE("the process has its scheduler, nice value and I/O priority") {
  StagePlan plan = harmless_plan({});
  plan.scheduler = scheduler_of({.policy = "SCHED_BATCH", .flags = {"SCHED_FLAG_RESET_ON_FORK"}, .nice = 7});
  plan.io_priority = io_priority_of({"IOPRIO_CLASS_BE", 6});
  const std::string out = shell("chrt -p $$; cut -d' ' -f19 /proc/$$/stat; ionice -p $$", plan);
  CAPTURE(out);
  CHECK(out.find("SCHED_BATCH|SCHED_RESET_ON_FORK") != std::string::npos);
  CHECK(out.find("\n7\n") != std::string::npos);
  CHECK(out.find("best-effort: prio 6") != std::string::npos);
}

TEST_CASE("the process has its CPUs, memory policy and personality") {
  const std::size_t cpu = some_cpu();
  StagePlan plan = harmless_plan({});
  plan.cpu_affinity = number_list_bits(std::to_string(cpu));
  CHECK(shell("grep Cpus_allowed_list /proc/self/status", plan) == base::concat("Cpus_allowed_list:\t", cpu, "\n"));
  plan = harmless_plan({});
  plan.memory_policy = memory_policy_of({.mode = "MPOL_BIND", .nodes = "0", .flags = {"MPOL_F_STATIC_NODES"}});
  if (has_memory_policies()) CHECK(shell("grep -c 'bind=static:0' /proc/self/numa_maps", plan) != "0\n");
#if defined(__x86_64__)
  plan = harmless_plan({});
  plan.personality = personality_of("LINUX32");
  CHECK(shell("uname -m", plan) == "i686\n");
#endif
}

TEST_CASE("an attribute that the kernel refuses is named by its step") {
  StagePlan plan = harmless_plan({"true"});
  plan.scheduler = scheduler_of({.policy = "SCHED_DEADLINE", .flags = {}});  // without a runtime
  CHECK(failure_of(plan).step == STAGE_STEP_SCHEDULER);
  plan = harmless_plan({"true"});
  plan.memory_policy = memory_policy_of({.mode = "MPOL_BIND", .nodes = "", .flags = {}});  // needs a node
  CHECK(failure_of(plan).step == STAGE_STEP_MEMORY_POLICY);
  if (has_memory_policies()) CHECK(failure_of(plan).code == EINVAL);
  plan = harmless_plan({"true"});
  plan.cpu_affinity = number_list_bits("8191");
  CHECK(failure_of(plan).step == STAGE_STEP_AFFINITY);
  plan = harmless_plan({"true"});
  plan.io_priority = 7 << 13;
  CHECK(failure_of(plan).step == STAGE_STEP_IO_PRIORITY);
}

TEST_CASE("spec and plan say the same of attributes") {
  Process process;
  process.args = {"true"};
  process.scheduler = Scheduler{.policy = "SCHED_IDLE", .flags = {}};
  process.io_priority = IoPriority{"IOPRIO_CLASS_IDLE", 0};
  process.exec_cpu_affinity = CpuAffinity{"1", "0,2"};
  Linux linux;
  linux.personality = "LINUX32";
  linux.memory_policy = MemoryPolicy{"MPOL_INTERLEAVE", "1", {}};
  StagePlan plan = plan_stage(process, {}, true);
  add_linux_attributes(linux, plan);
  add_start_hooks({{"/hook", {"a"}, {"B=c"}, 5}, {"/other", {}, {}, std::nullopt}}, "state", plan);
  CHECK(plan.scheduler->policy == SCHED_IDLE);
  CHECK(plan.io_priority == 3 << 13);
  CHECK(plan.cpu_affinity == std::vector<std::uint64_t>{5});
  CHECK(plan.personality == 8u);
  CHECK(plan.memory_policy->mode == MPOL_INTERLEAVE);
  CHECK(plan.memory_policy->nodes == std::vector<std::uint64_t>{2});
  REQUIRE(plan.hooks.size() == 2);
  CHECK(plan.hooks[0].timeout_seconds == 5);
  CHECK(plan.hooks[1].timeout_seconds == 0);
}

TEST_CASE("ignored signals are found, and are back at their default when the program starts") {
  CHECK((ignored_signals() >> (SIGUSR1 - 1) & 1) == 0);
  ::signal(SIGUSR1, SIG_IGN);
  const std::uint64_t ignored = ignored_signals();
  CHECK((ignored >> (SIGUSR1 - 1) & 1) == 1);
  StagePlan plan = harmless_plan({});
  plan.ignored_signals = ignored;
  CHECK(shell("grep SigIgn /proc/self/status", plan) == "SigIgn:\t0000000000000000\n");
  plan.ignored_signals = ignored & ~(std::uint64_t{1} << (SIGUSR1 - 1));  // the mask decides, nothing else
  CHECK(shell("grep SigIgn /proc/self/status", plan) == "SigIgn:\t0000000000000200\n");
  ::signal(SIGUSR1, SIG_DFL);
}

}  // namespace runtime
