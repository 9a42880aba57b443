#include <cerrno>
#include <csignal>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <string>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "tests/unit/runtime/stub_runner.hpp"

namespace runtime {
namespace {

constexpr sock_filter load_number{0x20, 0, 0, 0};  // BPF_LD | BPF_W | BPF_ABS, seccomp_data.nr

/// Answers one system call with an errno and allows the rest.
std::vector<sock_filter> errno_filter(unsigned number, unsigned code) {
  return {load_number,
          {0x15, 0, 1, number},  // BPF_JMP | BPF_JEQ
          {0x06, 0, 0, SECCOMP_RET_ERRNO | code},
          {0x06, 0, 0, SECCOMP_RET_ALLOW}};
}

std::string shell(const std::string& script, StagePlan plan = harmless_plan({})) {
  plan.argv = {"sh", "-c", script};
  const StageResult result = run_stage(std::move(plan));
  CHECK_FALSE(result.report.has_value());
  CHECK(result.status.code == 0);
  return result.out;
}

/// An executable script in `directory`.
void put_script(const base::TempDir& directory, const std::string& name, const std::string& text, mode_t mode) {
  base::write_file_atomically(directory.fd(), name, text, base::Durability::volatile_, mode);
  REQUIRE(::fchmodat(directory.fd(), name.c_str(), mode, 0) == 0);
}

}  // namespace

TEST_CASE("the stage gives the program exactly its arguments and environment") {
  StagePlan plan = harmless_plan({"/usr/bin/printf", "%s|", "a b", "", "c"});
  CHECK(run_stage(plan).out == "a b||c|");
  CHECK(run_stage(harmless_plan({"/usr/bin/env"})).out == "PATH=/usr/bin:/bin\nNAME=value\n");
}

TEST_CASE("the label is written, and its directory, the host's, is closed before the program is looked for") {
  const base::TempDir folder;
  REQUIRE(::symlinkat("/usr/bin/printf", folder.fd(), "program") == 0);
  base::write_file_atomically(folder.fd(), "label", "", base::Durability::volatile_, 0600);
  constexpr int child_label_fd = 64;
  const base::UniqueFd directory{::open(folder.path().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
  REQUIRE(directory);
  StagePlan plan = harmless_plan({base::concat("/proc/self/fd/", child_label_fd, "/program"), "it runs"});
  const StageResult kept = run_stage(plan, {{directory.get(), child_label_fd}});
  CHECK(kept.out == "it runs");  // what such a path does while the descriptor is open
  plan.label_fd = child_label_fd;
  plan.label_file = "label";
  plan.label = "some:label";
  const StageResult result = run_stage(plan, {{directory.get(), child_label_fd}});
  REQUIRE(result.report.has_value());
  CHECK(result.report->step == STAGE_STEP_EXEC_LOOKUP);
  CHECK(base::read_file(folder.fd(), "label", 100) == "some:label");
}

TEST_CASE("the stage sets directory, umask and limits") {
  StagePlan plan = harmless_plan({});
  plan.cwd = "/usr/share";
  plan.umask = 0137;
  plan.rlimits = {{RLIMIT_NOFILE, 77, 88}, {RLIMIT_CORE, 0, 0}};
  CHECK(shell("pwd; umask; ulimit -n; ulimit -Hn", plan) == "/usr/share\n0137\n77\n88\n");
}

TEST_CASE("the stage sets no-new-privileges, drops all capabilities and clears the signal mask") {
  const std::string status =
      shell("grep -E '^(NoNewPrivs|CapInh|CapPrm|CapEff|CapAmb|SigBlk|SigIgn):' /proc/self/status");
  CHECK(status.find("NoNewPrivs:\t1") != std::string::npos);
  for (const char* field : {"SigBlk", "SigIgn", "CapInh", "CapPrm", "CapEff", "CapAmb"}) {
    CAPTURE(field);
    const bool root_regains = ::getuid() == 0 && (std::string{field} == "CapPrm" || std::string{field} == "CapEff");
    if (!root_regains) CHECK(status.find(std::string{field} + ":\t0000000000000000") != std::string::npos);
  }
}

TEST_CASE("the stage leads a session of its own") {
  const std::string stat = shell("cut -d' ' -f1,6 /proc/$$/stat");
  const auto pair = base::split_once(base::trim(stat), ' ');
  REQUIRE(pair.has_value());
  CHECK(pair->first == pair->second);
}

TEST_CASE("the program gets the preserved descriptors and no other") {
  const base::Pipe extra = base::make_pipe();
  StagePlan plan =
      harmless_plan({"sh", "-c", "for fd in 3 4 70; do readlink /proc/$$/fd/$fd >/dev/null && echo $fd; done; true"});
  plan.preserve_fds = 1;
  const StageResult result =
      run_stage(plan, {{extra.write_end.get(), 3}, {extra.write_end.get(), 4}, {extra.write_end.get(), 70}});
  CHECK(result.out == "3\n");
}

TEST_CASE("the filter is in force when the program starts") {
  StagePlan plan = harmless_plan({});
  plan.seccomp = errno_filter(SYS_uname, EXDEV);
  CHECK(shell("uname 2>&1 | grep -c 'cross-device'", plan) == "1\n");
}

TEST_CASE("a program that cannot be run is reported with the shell's codes") {
  const base::TempDir directory;
  put_script(directory, "plain", "#!/bin/sh\n", 0644);
  put_script(directory, "garbage", "neither script nor ELF", 0755);
  put_script(directory, "orphan", "#!/no/such/interpreter\n", 0755);
  struct Case {
    std::string name, path;
    int code, step, error;
  };
  for (const Case& test :
       {Case{"no-such-program", "/usr/bin:/bin", 127, STAGE_STEP_EXEC_LOOKUP, ENOENT},
        Case{"no-such-program", "", 127, STAGE_STEP_EXEC_LOOKUP, ENOENT},
        Case{"/no/such/program", "", 127, STAGE_STEP_EXEC_LOOKUP, ENOENT},
        Case{"/etc/passwd/x", "", 127, STAGE_STEP_EXEC_LOOKUP, ENOTDIR},
        Case{"", "/usr/bin", 127, STAGE_STEP_EXEC_LOOKUP, ENOENT}, Case{"/", "", 126, STAGE_STEP_EXEC, EACCES},
        Case{"plain", "/no/such:" + directory.path(), 126, STAGE_STEP_EXEC, EACCES},
        Case{"garbage", directory.path() + ":/usr/bin", 126, STAGE_STEP_EXEC, ENOEXEC},
        Case{directory.path() + "/orphan", "", 127, STAGE_STEP_EXEC_LOOKUP, ENOENT}}) {
    CAPTURE(test.name);
    StagePlan plan = harmless_plan({test.name});
    plan.search_path = test.path;
    const StageResult result = run_stage(plan);
    CHECK(result.status.code == test.code);
    REQUIRE(result.report.has_value());
    CHECK(result.report->step == test.step);
    CHECK(result.report->code == test.error);
  }
}

TEST_CASE("the search goes on past a directory without permission, and an empty element is the working directory") {
  const base::TempDir first, second;
  put_script(first, "tool", "not executable", 0644);
  put_script(second, "tool", "#!/bin/sh\necho second\n", 0755);
  StagePlan plan = harmless_plan({"tool"});
  plan.search_path = first.path() + ":" + second.path();
  CHECK(run_stage(plan).out == "second\n");
  plan.search_path = first.path() + "::/usr/bin";
  plan.cwd = second.path();
  CHECK(run_stage(plan).out == "second\n");
}

TEST_CASE("an impossible working directory is named by step and code") {
  StagePlan plan = harmless_plan({"true"});
  plan.cwd = "/no/such/directory";
  const StageResult result = run_stage(plan);
  CHECK(result.status.code == 125);
  REQUIRE(result.report.has_value());
  CHECK(result.report->step == STAGE_STEP_CWD);
  CHECK(result.report->code == ENOENT);
}

TEST_CASE("the stage waits for its start byte") {
  base::Pipe start = base::make_pipe();
  StagePlan plan = harmless_plan({"echo", "started"});
  plan.start_fd = child_start_fd;
  base::write_all(start.write_end.get(), "s");
  CHECK(run_stage(plan, {{start.read_end.get(), child_start_fd}}).out == "started\n");
  base::write_all(start.write_end.get(), std::string{STAGE_START_NEVER});
  const StageResult never = run_stage(plan, {{start.read_end.get(), child_start_fd}});
  CHECK(never.out.empty());
  CHECK_FALSE(never.report.has_value());
  CHECK(never.status.code == STAGE_EXIT_FAILED);
  start.write_end.reset();
  const StageResult result = run_stage(plan, {{start.read_end.get(), child_start_fd}});
  REQUIRE(result.report.has_value());
  CHECK(result.report->step == STAGE_STEP_WAIT);
  CHECK(result.report->code == EPIPE);
}

TEST_CASE("the small init passes on exit status and signals, and reaps") {
  StagePlan plan = harmless_plan({"sh", "-c", "exit 7"});
  plan.tiny_init = true;
  CHECK(run_stage(plan).status.code == 7);
  plan.argv = {"sh", "-c", "kill -KILL $$"};
  CHECK(run_stage(plan).status.code == 128 + SIGKILL);
  plan.argv = {"sh", "-c", "trap 'exit 9' TERM; kill -TERM $PPID; while :; do sleep 0.01; done"};
  CHECK(run_stage(plan).status.code == 9);
  plan.argv = {"no-such-program"};
  const StageResult result = run_stage(plan);
  CHECK(result.status.code == 127);
  REQUIRE(result.report.has_value());
  CHECK(result.report->step == STAGE_STEP_EXEC_LOOKUP);
}

TEST_CASE("every step has words") {
  for (int step = STAGE_STEP_PLAN; step <= STAGE_STEP_EXEC; ++step) {
    CAPTURE(step);
    CHECK_FALSE(describe_stage_step(step).empty());
  }
  CHECK(describe_stage_step(STAGE_STEP_CWD) == "changing to the working directory");
  CHECK(describe_stage_step(STAGE_STEP_EXEC) == "executing the program");
}

TEST_CASE("a container cannot write to the stub it runs") {
  const base::UniqueFd image = make_stage_executable();
  const std::string path = base::concat("/proc/self/fd/", image.get());
  const base::UniqueFd writer{::open(path.c_str(), O_RDWR | O_CLOEXEC)};
  if (writer) {
    CHECK(::write(writer.get(), "x", 1) == -1);
    CHECK(errno == EPERM);
    CHECK(::ftruncate(writer.get(), 0) == -1);
  }
}

TEST_CASE("a plan with a NUL, without a command or too large is refused") {
  StagePlan plan = harmless_plan({std::string("a\0b", 3)});
  CHECK_THROWS_AS(encode_stage_plan(plan), base::Error);
  CHECK_THROWS_AS(encode_stage_plan(harmless_plan({})), base::Error);
  plan = harmless_plan({std::string(STAGE_PLAN_MAX_BYTES, 'x')});
  CHECK_THROWS_AS(encode_stage_plan(plan), base::Error);
}

}  // namespace runtime
