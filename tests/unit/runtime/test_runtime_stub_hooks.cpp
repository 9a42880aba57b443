#include <cerrno>
#include <chrono>
#include <csignal>
#include <doctest/doctest.h>
#include <string>

#include "base/fs.hpp"
#include "tests/unit/runtime/stub_runner.hpp"

namespace runtime {
namespace {

StageHook shell_hook(const std::string& script, unsigned timeout_seconds = 0) {
  return {"/bin/sh", {"hook", "-c", script}, {"PATH=/usr/bin:/bin", "HOOK=1"}, timeout_seconds};
}

StageResult run_with_hooks(std::vector<StageHook> hooks, std::string state = "{}") {
  StagePlan plan = harmless_plan({"echo", "program"});
  plan.hooks = std::move(hooks);
  plan.hook_state = std::move(state);
  return run_stage(plan);
}

}  // namespace

TEST_CASE("start hooks run in order before the program, with the state and their own environment") {
  const StageResult result =
      run_with_hooks({shell_hook("echo $0 $HOOK $NAME; cat; echo"), shell_hook("echo second")}, R"({"id":"x"})");
  CHECK_FALSE(result.report.has_value());
  CHECK(result.out == "hook 1\n{\"id\":\"x\"}\nsecond\nprogram\n");
}

TEST_CASE("a hook without arguments gets its path as the only one") {
  StageHook hook{"/bin/pwd", {}, {}, 0};
  CHECK(run_with_hooks({hook}).out == "/\nprogram\n");
}

TEST_CASE("a state larger than a pipe reaches a hook that reads it, and does not hold up one that does not") {
  const std::string state(300000, 'x');
  CHECK(run_with_hooks({shell_hook("wc -c"), shell_hook("true"), shell_hook("exec <&-; true")}, state).out ==
        "300000\nprogram\n");
}

TEST_CASE("a failing start hook ends the start: which one and how") {
  const base::TempDir directory;
  base::write_file_atomically(directory.fd(), "plain", "text", base::Durability::volatile_, 0644);
  struct Case {
    StageHook hook;
    int code, status;
  };
  for (const Case& test : {Case{shell_hook("exit 3"), 0, 3 << 8}, Case{shell_hook("kill -TERM $$"), 0, SIGTERM},
                           Case{{"/no/such/hook", {}, {}, 0}, ENOENT, 127 << 8},
                           Case{{directory.path() + "/plain", {}, {}, 0}, EACCES, 127 << 8},
                           Case{shell_hook("sleep 600 & wait", 1), ETIMEDOUT, SIGKILL}}) {
    CAPTURE(test.code);
    const StageResult result = run_with_hooks({shell_hook("true"), test.hook, shell_hook("echo third")});
    CHECK(result.out.empty());
    CHECK(result.status.code == STAGE_EXIT_FAILED);
    REQUIRE(result.report.has_value());
    CHECK(result.report->step == STAGE_STEP_HOOK);
    CHECK(result.report->code == test.code);
    CHECK(result.report->hook == 1);
    CHECK(result.report->hook_status == test.status);
  }
}

TEST_CASE("a hook that ends in time is not held to its timeout") {
  const auto begin = std::chrono::steady_clock::now();
  CHECK(run_with_hooks({shell_hook("true", 300)}).out == "program\n");
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds{100});
}

TEST_CASE("hooks have the identity of the process, and none of its other descriptors") {
  const base::Pipe extra = base::make_pipe();
  StagePlan plan = harmless_plan({"true"});
  plan.cwd = "/usr/share";
  plan.umask = 0137;
  plan.hooks = {shell_hook("umask; grep NoNewPrivs /proc/self/status; readlink /proc/$$/fd/3 || echo none")};
  plan.hook_state = "{}";
  plan.preserve_fds = 1;
  CHECK(run_stage(plan, {{extra.write_end.get(), 3}}).out == "0137\nNoNewPrivs:\t1\nnone\n");
}

}  // namespace runtime
