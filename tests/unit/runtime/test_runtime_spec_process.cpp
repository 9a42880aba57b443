#include <doctest/doctest.h>

#include "runtime/spec.hpp"
#include "tests/unit/runtime/spec_document.hpp"

TEST_CASE("an invalid process is refused in one line") {
  const auto with = [](std::string_view process) {
    return base::concat(R"({"ociVersion":"1.0.2","root":{"path":"r"},"process":)", process, "}");
  };
  check_all_refused({
      {with("[]"), "process"},
      {with(R"({"cwd":"/"})"), "process.args"},
      {with(R"({"args":[],"cwd":"/"})"), "process.args"},
      {with(R"({"args":[""],"cwd":"/"})"), "process.args"},
      {with(R"({"args":"sh","cwd":"/"})"), "process.args"},
      {with(R"({"args":["a\u0000"],"cwd":"/"})"), "NUL"},
      {with(R"({"args":["sh"]})"), "process.cwd"},
      {with(R"({"args":["sh"],"cwd":"tmp"})"), "process.cwd"},
      {with(R"({"args":["sh"],"cwd":""})"), "process.cwd"},
      {config(R"(,"env":["A=1\u0000B"])", ""), "NUL"},
      {config(R"(,"terminal":1)", ""), "process.terminal"},
      {config(R"(,"terminal":true,"consoleSize":{"height":70000,"width":1})", ""), "process.consoleSize"},
      {config(R"(,"terminal":true,"consoleSize":{"height":7})", ""), "process.consoleSize.width"},
      {config(R"(,"user":{"uid":-1,"gid":0})", ""), "process.user.uid"},
      {config(R"(,"user":{"uid":0})", ""), "process.user.gid"},
      {config(R"(,"user":[])", ""), "process.user"},
      {config(R"(,"user":{"uid":4294967295})", ""), "process.user.uid"},
      {config(R"(,"user":{"uid":4294967296})", ""), "process.user.uid"},
      {config(R"(,"user":{"uid":"0"})", ""), "process.user.uid"},
      {config(R"(,"user":{"uid":0,"gid":1.5})", ""), "process.user.gid"},
      {config(R"(,"user":{"uid":0,"gid":0,"umask":1024})", ""), "process.user.umask"},
      {config(R"(,"user":{"uid":0,"gid":0,"additionalGids":[-1]})", ""), "additionalGids[0]"},
      {config(R"(,"capabilities":[])", ""), "process.capabilities"},
      {config(R"(,"capabilities":{"ambient":[1]})", ""), "capabilities.ambient[0]"},
      {config(R"(,"capabilities":{"effective":"CAP_KILL"})", ""), "capabilities.effective"},
      {config(R"(,"rlimits":[{"type":"RLIMIT_X","soft":1,"hard":1}])", ""), "rlimits[0].type"},
      {config(R"(,"rlimits":[{"type":"RLIMIT_CPU","soft":2,"hard":1}])", ""), "rlimits[0].soft"},
      {config(R"(,"rlimits":[{"type":"RLIMIT_CPU","soft":1}])", ""), "rlimits[0].hard"},
      {config(R"(,"rlimits":[{"type":"RLIMIT_CPU","soft":1,"hard":1},{"type":"RLIMIT_CPU","soft":1,"hard":1}])", ""),
       "rlimits[1].type"},
      {config(R"(,"oomScoreAdj":1001)", ""), "process.oomScoreAdj"},
      {config(R"(,"oomScoreAdj":-1001)", ""), "process.oomScoreAdj"},
      {config(R"(,"noNewPrivileges":"true")", ""), "process.noNewPrivileges"},
  });
}

TEST_CASE("an invalid scheduler, I/O priority or affinity is refused in one line") {
  const auto scheduler = [](std::string_view text) { return config(base::concat(R"(,"scheduler":{)", text, "}"), ""); };
  check_all_refused({
      {scheduler(""), "process.scheduler.policy"},
      {scheduler(R"("policy":"SCHED_FAST")"), "SCHED_FAST"},
      {scheduler(R"("policy":"SCHED_OTHER","flags":["SCHED_FLAG_X"])"), "SCHED_FLAG_X"},
      {scheduler(R"("policy":"SCHED_OTHER","nice":20)"), "process.scheduler.nice"},
      {scheduler(R"("policy":"SCHED_OTHER","nice":-21)"), "process.scheduler.nice"},
      {scheduler(R"("policy":"SCHED_OTHER","priority":1)"), "process.scheduler.priority"},
      {scheduler(R"("policy":"SCHED_OTHER","runtime":1)"), "process.scheduler"},
      {scheduler(R"("policy":"SCHED_FIFO")"), "process.scheduler"},
      {scheduler(R"("policy":"SCHED_RR","priority":100)"), "process.scheduler.priority"},
      {scheduler(R"("policy":"SCHED_IDLE","nice":1)"), "process.scheduler.nice"},
      {scheduler(R"("policy":"SCHED_DEADLINE")"), "process.scheduler"},
      {scheduler(R"("policy":"SCHED_DEADLINE","runtime":9,"deadline":8)"), "process.scheduler"},
      {scheduler(R"("policy":"SCHED_DEADLINE","runtime":7,"deadline":8,"period":7)"), "process.scheduler"},
      {scheduler(R"("policy":"SCHED_DEADLINE","runtime":-7)"), "process.scheduler.runtime"},
      {config(R"(,"ioPriority":{"class":"IOPRIO_CLASS_BE"})", ""), "process.ioPriority.priority"},
      {config(R"(,"ioPriority":{"class":"IOPRIO_CLASS_BE","priority":8})", ""), "process.ioPriority.priority"},
      {config(R"(,"ioPriority":{"class":"BE","priority":1})", ""), "process.ioPriority.class"},
      {config(R"(,"ioPriority":{"priority":1})", ""), "process.ioPriority.class"},
      {config(R"(,"execCPUAffinity":{"initial":"0-"})", ""), "execCPUAffinity.initial"},
      {config(R"(,"execCPUAffinity":{"final":"3-1"})", ""), "execCPUAffinity.final"},
      {config(R"(,"execCPUAffinity":"0")", ""), "execCPUAffinity"},
  });
}

TEST_CASE("what config.md says to ignore or to warn of is no error") {
  CHECK(problem_of(config(R"(,"consoleSize":{"height":70000})", "")).empty());  // no terminal
  CHECK(problem_of(config(R"(,"user":{"uid":0,"gid":0,"username":"ContainerAdmin"})", "")).empty());
  CHECK(problem_of(config(R"(,"capabilities":{"bounding":["CAP_OF_THE_FUTURE"]})", "")).empty());
  CHECK(problem_of(config(R"(,"commandLine":"x")", "")).empty());
}

TEST_CASE("scheduler, I/O priority and affinity are read") {
  const runtime::Spec spec = runtime::parse_spec(
      config(R"(,"scheduler":{"policy":"SCHED_BATCH","nice":-5,"flags":["SCHED_FLAG_RESET_ON_FORK"]},
      "ioPriority":{"class":"IOPRIO_CLASS_IDLE","priority":4},"execCPUAffinity":{"initial":"7","final":"0-3,7"})",
             ""),
      "config");
  REQUIRE(spec.process.scheduler);
  CHECK(spec.process.scheduler->nice == -5);
  CHECK(spec.process.scheduler->flags.size() == 1);
  CHECK(spec.process.io_priority->priority == 4);
  CHECK(spec.process.exec_cpu_affinity->final == "0-3,7");
}
