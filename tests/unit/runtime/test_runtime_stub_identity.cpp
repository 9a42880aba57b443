#include <cerrno>
#include <csignal>
#include <doctest/doctest.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <string>
#include <sys/syscall.h>

#include "runtime/seccomp.hpp"
#include "runtime/terminal.hpp"
#include "tests/unit/runtime/stub_runner.hpp"

// What needs root's rights is tried as root of a fresh user namespace, made by unshare(1); where that is forbidden the
// tests say so and pass.

namespace runtime {
namespace {

constexpr std::uint64_t bit(unsigned capability) {
  return std::uint64_t{1} << capability;
}

bool can_be_root() {
  static const bool can = [] {
    const base::Output output = base::run_and_capture({.path = "/usr/bin/unshare", .argv = {"unshare", "-r", "true"}},
                                                      std::chrono::seconds{10});
    return output.status.code == 0;
  }();
  if (!can) MESSAGE("skipped: no user namespaces for us here");
  return can;
}

/// A field of the program's /proc/self/status.
std::string status_field(const StageResult& result, const std::string& name) {
  const std::size_t at = result.out.find(name + ":\t");
  REQUIRE(at != std::string::npos);
  const std::size_t start = at + name.size() + 2;
  return result.out.substr(start, result.out.find('\n', at) - start);
}

StagePlan root_plan() {
  StagePlan plan = harmless_plan({"cat", "/proc/self/status"});
  plan.uid = plan.gid = 0;
  const std::uint64_t some = bit(CAP_CHOWN) | bit(CAP_KILL) | bit(CAP_SETUID);
  plan.capabilities = {.bounding = some, .permitted = some, .effective = some, .inheritable = 0, .ambient = 0};
  return plan;
}

std::string hex64(std::uint64_t bits) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(bits));
  return text;
}

}  // namespace

TEST_CASE("capability sets are exactly those of the plan") {
  if (!can_be_root()) return;
  const StagePlan plan = root_plan();
  const StageResult result = run_stage_as_root(plan);
  CHECK_FALSE(result.report.has_value());
  CHECK(status_field(result, "CapBnd") == hex64(plan.capabilities.bounding));
  CHECK(status_field(result, "CapPrm") == hex64(plan.capabilities.bounding));
  CHECK(status_field(result, "CapEff") == hex64(plan.capabilities.bounding));
  CHECK(status_field(result, "CapInh") == hex64(0));
  CHECK(status_field(result, "CapAmb") == hex64(0));
}

TEST_CASE("ambient capabilities are raised only when the plan names them") {
  if (!can_be_root()) return;
  StagePlan plan = root_plan();
  plan.capabilities.inheritable = plan.capabilities.ambient = bit(CAP_KILL);
  CHECK(status_field(run_stage_as_root(plan), "CapAmb") == hex64(bit(CAP_KILL)));
  plan.capabilities.inheritable = 0;  // cannot be ambient then
  const StageResult result = run_stage_as_root(plan);
  REQUIRE(result.report.has_value());
  CHECK(result.report->step == STAGE_STEP_AMBIENT);
  CHECK(result.report->code == EPERM);
}

TEST_CASE("without no-new-privileges the filter is loaded while that is still permitted") {
  if (!can_be_root()) return;
  StagePlan plan = root_plan();
  plan.no_new_privileges = false;
  plan.seccomp = compile_seccomp(default_profile_json({"CAP_CHOWN", "CAP_SYS_CHROOT"}), -1).program;
  const StageResult result = run_stage_as_root(plan);
  CHECK_FALSE(result.report.has_value());
  CHECK(status_field(result, "Seccomp") == "2");
  CHECK(status_field(result, "NoNewPrivs") == "0");
  CHECK(status_field(result, "CapEff") == hex64(plan.capabilities.effective));
  plan.seccomp = {{0x20, 0, 0, 0},  // a profile older than close_range(2)
                  {0x15, 0, 1, SYS_close_range},
                  {0x06, 0, 0, SECCOMP_RET_ERRNO | EPERM},
                  {0x06, 0, 0, SECCOMP_RET_ALLOW}};
  CHECK_FALSE(run_stage_as_root(plan).report.has_value());
}

TEST_CASE("ids that are not mapped are reported by step") {
  if (!can_be_root()) return;
  StagePlan plan = root_plan();
  plan.uid = 4242;
  StageResult result = run_stage_as_root(plan);
  REQUIRE(result.report.has_value());
  CHECK(result.report->step == STAGE_STEP_UID);
  CHECK(result.report->code == EINVAL);
  plan.uid = 0;
  plan.groups = std::vector<gid_t>{};  // setgroups is denied in a namespace of unshare -r
  result = run_stage_as_root(plan);
  REQUIRE(result.report.has_value());
  CHECK(result.report->step == STAGE_STEP_GROUPS);
  CHECK(result.report->code == EPERM);
}

TEST_CASE("the program's terminal is its controlling terminal, with and without the small init") {
  for (const bool tiny_init : {false, true}) {
    CAPTURE(tiny_init);
    const Terminal terminal = open_terminal(-1);
    StagePlan plan = harmless_plan({"sh", "-c", "tty >/dev/tty; ps -o tpgid= -o pgid= -p $$"});
    plan.controlling_tty = true;
    plan.tiny_init = tiny_init;
    const StageResult result = run_stage(plan, {{terminal.slave.get(), 0}});
    CHECK_FALSE(result.report.has_value());
    char buffer[256];
    const std::string seen{buffer, base::read_some(terminal.master.get(), buffer, sizeof buffer)};
    CHECK(seen.starts_with("/dev/pts/"));
    unsigned foreground = 0, group = 1;
    CHECK(std::sscanf(result.out.c_str(), "%u %u", &foreground, &group) == 2);
    CHECK(foreground == group);
  }
}

TEST_CASE("a program whose parent died before it began never begins") {
  base::Pipe report = base::make_pipe();
  base::Pipe output = base::make_pipe();
  StagePlan plan = harmless_plan({"echo", "alive"});
  plan.die_with_parent = true;
  report.read_end.reset();  // as the end of the parent closes it
  base::Child child = start_stage_with_bytes(encode_stage_plan(plan),
                                             {{report.write_end.get(), child_report_fd}, {output.write_end.get(), 1}});
  output.write_end.reset();
  CHECK(base::read_to_end(output.read_end.get(), 100).empty());
  CHECK(child.wait().code == STAGE_EXIT_FAILED);
}

}  // namespace runtime
