#include <cstring>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <random>
#include <string>

#include "base/error.hpp"
#include "runtime/monitor_plan.hpp"
#include "runtime/stub/plan_check.h"
#include "tests/unit/runtime/stub_runner.hpp"

namespace runtime {
namespace {

bool stage_is_valid(const std::string& bytes) {
  return stage_plan_is_valid(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()) != 0;
}

bool monitor_is_valid(const std::string& bytes) {
  return monitor_plan_is_valid(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()) != 0;
}

std::uint64_t read_hooks(const std::string& bytes, const stage_plan& plan) {
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  std::uint64_t sum = plan.hook_count == 0 ? 0 : std::strlen(bytes.data() + plan.hook_state);
  for (std::uint32_t number = 0; number < plan.hook_count; ++number) {
    stage_hook hook{};
    std::memcpy(&hook, data + plan.hooks + number * sizeof hook, sizeof hook);
    sum += std::strlen(bytes.data() + hook.path);
    for (std::uint32_t index = 0; index < hook.argc; ++index)
      sum += std::strlen(bytes.data() + plan_load_u32(data, hook.argv + index * 4));
    for (std::uint32_t index = 0; index < hook.envc; ++index)
      sum += std::strlen(bytes.data() + plan_load_u32(data, hook.envp + index * 4));
  }
  return sum;
}

/// Reads all that the stub would read; the sanitizers see whether it is inside.
std::uint64_t read_stage_plan(const std::string& bytes) {
  stage_plan plan{};
  std::memcpy(&plan, bytes.data(), sizeof plan);
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  std::uint64_t sum = std::strlen(bytes.data() + plan.cwd) + std::strlen(bytes.data() + plan.search_path);
  for (std::uint32_t index = 0; index < plan.argc; ++index)
    sum += std::strlen(bytes.data() + plan_load_u32(data, plan.argv + index * 4));
  for (std::uint32_t index = 0; index < plan.envc; ++index)
    sum += std::strlen(bytes.data() + plan_load_u32(data, plan.envp + index * 4));
  for (std::uint32_t index = 0; index < plan.group_count; ++index) sum += plan_load_u32(data, plan.groups + index * 4);
  for (std::uint32_t index = 0; index < plan.rlimit_count * sizeof(stage_rlimit); ++index)
    sum += data[plan.rlimits + index];
  for (std::uint32_t index = 0; index < plan.seccomp_count * sizeof(sock_filter); ++index)
    sum += data[plan.seccomp + index];
  if (plan.label_fd >= 0) sum += std::strlen(bytes.data() + plan.label);
  if (plan.agent_fd >= 0) sum += std::strlen(bytes.data() + plan.agent_state);
  if (plan.scheduler != 0) sum += data[plan.scheduler + sizeof(stage_scheduler) - 1];
  for (std::uint32_t index = 0; index < plan.affinity_words * 8; ++index) sum += data[plan.affinity + index];
  for (std::uint32_t index = 0; index < plan.node_words * 8; ++index) sum += data[plan.nodes + index];
  return sum + read_hooks(bytes, plan);
}

StagePlan full_plan() {
  StagePlan plan = harmless_plan({"/bin/true", "a", "bb"});
  plan.groups = std::vector<gid_t>{1, 2, 3};
  plan.rlimits = {{1, 2, 3}, {4, 5, 6}};
  plan.seccomp = {{0x06, 0, 0, 0x7fff0000}};
  plan.label = "label";
  plan.scheduler = StageScheduler{};
  plan.cpu_affinity = {1, 2};
  plan.memory_policy = StageMemoryPolicy{1, {3}};
  plan.hooks = {{"/hook", {"a", "b"}, {"C=d"}, 1}, {"/other", {}, {}, 0}};
  plan.hook_state = "{}";
  return plan;
}

void mutate(std::string& bytes, std::mt19937& random, std::size_t within) {
  const std::size_t at = std::uniform_int_distribution<std::size_t>{0, within - 1}(random);
  switch (random() % 4) {
    case 0:
      bytes[at] = static_cast<char>(random());
      break;
    case 1:
      bytes[at] = static_cast<char>(bytes[at] ^ (1 << random() % 8));
      break;
    case 2:
      bytes.resize(at + 1);
      break;
    default: {
      const std::uint32_t number = random() % 2 == 0 ? static_cast<std::uint32_t>(bytes.size() - 8 + random() % 16)
                                                     : static_cast<std::uint32_t>(random());
      if (at % 4 == 0 && at + 4 <= bytes.size()) std::memcpy(bytes.data() + at, &number, 4);
    }
  }
}

}  // namespace

TEST_CASE("what passes the check of a stage plan can be read within its bounds") {
  std::mt19937 random{1};
  const std::string good = encode_stage_plan(full_plan());
  REQUIRE(stage_is_valid(good));
  std::size_t passed = 0;
  for (int round = 0; round < 50000; ++round) {
    std::string bytes = good;
    for (auto count = 1 + random() % 3; count != 0; --count)
      mutate(bytes, random, std::min(bytes.size(), sizeof(stage_plan) + 64));
    bytes.shrink_to_fit();
    if (!stage_is_valid(bytes)) continue;
    ++passed;
    CHECK(read_stage_plan(bytes) < ~std::uint64_t{0});
  }
  CHECK(passed > 1000);
  CHECK(passed < 45000);
}

TEST_CASE("the stage given a damaged plan ends by itself, never by a signal") {
  std::mt19937 random{2};
  StagePlan plan = full_plan();
  plan.groups.reset();
  plan.rlimits.clear();
  plan.hooks.clear();
  plan.scheduler.reset();
  const std::string good = encode_stage_plan(plan);
  base::Pipe report = base::make_pipe();
  const base::UniqueFd nowhere{::open("/dev/null", O_WRONLY | O_CLOEXEC)};
  for (int round = 0; round < 1000; ++round) {
    std::string bytes = good;
    mutate(bytes, random, bytes.size());
    // A start descriptor that happens to be open could make it wait for ever, and signals are what it is asked for.
    if (bytes.size() >= sizeof(stage_plan)) {
      stage_plan header{};
      std::memcpy(&header, bytes.data(), sizeof header);
      header.start_fd = -1;
      header.flags &= ~static_cast<std::uint32_t>(STAGE_HAS_SECCOMP | STAGE_DIE_WITH_PARENT);
      std::memcpy(bytes.data(), &header, sizeof header);
    }
    base::Child child = start_stage_with_bytes(bytes, {{report.write_end.get(), child_report_fd}, {nowhere.get(), 2}});
    CAPTURE(round);
    CHECK_FALSE(child.wait().signalled);
  }
}

TEST_CASE("the stage refuses wrong arguments, and says what it is") {
  const std::string good = encode_stage_plan(harmless_plan({"/bin/true"}));
  for (const std::vector<std::string>& argv : {std::vector<std::string>{"engine-stage"},
                                               {"engine-stage", ""},
                                               {"engine-stage", "x"},
                                               {"engine-stage", "99999999999"},
                                               {"engine-stage", "999"},
                                               {"engine-stage", "60", "more"}}) {
    base::Pipe errors = base::make_pipe();
    base::Child child = start_stage_with_bytes(good, {{errors.write_end.get(), 2}}, argv);
    errors.write_end.reset();
    CHECK(base::read_to_end(errors.read_end.get(), 4096).starts_with("engine: this is the last stage"));
    CHECK(child.wait().code == STAGE_EXIT_FAILED);
  }
}

TEST_CASE("a monitor plan names descriptors from 3 on and a process") {
  MonitorPlan plan;
  plan.init_pid = 1234;
  plan.client_fd = 7;
  plan.cleanup_path = "/bin/true";
  plan.cleanup_argv = {"true", "x"};
  plan.cleanup_env = {"A=b"};
  const std::string good = encode_monitor_plan(plan);
  CHECK(monitor_is_valid(good));
  for (const std::size_t size : {std::size_t{0}, std::size_t{4}, sizeof(monitor_plan), good.size() - 1})
    CHECK_FALSE(monitor_is_valid(good.substr(0, size)));
  plan.client_fd = 2;
  CHECK_THROWS_AS(encode_monitor_plan(plan), base::Error);
  plan.client_fd = -1;
  plan.init_pid = 1;
  CHECK_THROWS_AS(encode_monitor_plan(plan), base::Error);
  plan.init_pid = 1234;
  for (const int no_signal : {0, 65, -1}) {
    plan.stop_signal = no_signal;
    CHECK_THROWS_AS(encode_monitor_plan(plan), base::Error);
  }
}

}  // namespace runtime
