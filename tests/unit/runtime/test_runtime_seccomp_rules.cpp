#include <doctest/doctest.h>
#include <linux/audit.h>
#include <string>

#include "base/error.hpp"
#include "tests/unit/runtime/seccomp_questions.hpp"

// What OCI JSON means.

namespace runtime {

TEST_CASE("every action, errno and flag of the runtime-spec is understood") {
  const std::string json =
      R"({"defaultAction":"SCMP_ACT_ERRNO","flags":["SECCOMP_FILTER_FLAG_LOG","SECCOMP_FILTER_FLAG_TSYNC",)"
      R"("SECCOMP_FILTER_FLAG_SPEC_ALLOW"],"syscalls":[)"
      R"({"names":["read","no_such_call"],"action":"SCMP_ACT_ALLOW"},{"names":["write"],"action":"SCMP_ACT_ERRNO","errnoRet":7},)"
      R"({"names":["open"],"action":"SCMP_ACT_KILL"},{"names":["close"],"action":"SCMP_ACT_KILL_PROCESS"},)"
      R"({"names":["stat"],"action":"SCMP_ACT_TRAP"},{"names":["poll"],"action":"SCMP_ACT_LOG"},)"
      R"({"names":["fstat"],"action":"SCMP_ACT_TRACE","errnoRet":3},)"
      R"({"names":["lseek"],"action":"SCMP_ACT_ALLOW","args":[{"index":0,"value":1,"op":"SCMP_CMP_EQ"},)"
      R"({"index":0,"value":2,"op":"SCMP_CMP_EQ"}]}]})";
  const SeccompFilter filter = compile_seccomp(json, -1);
  CHECK(filter.flags == (SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW));
  CHECK(ask(filter.program, "read") == allow);
  CHECK(ask(filter.program, "write") == (SECCOMP_RET_ERRNO | 7));
  CHECK(ask(filter.program, "open") == SECCOMP_RET_KILL_THREAD);
  CHECK(ask(filter.program, "close") == SECCOMP_RET_KILL_PROCESS);
  CHECK(ask(filter.program, "stat") == SECCOMP_RET_TRAP);
  CHECK(ask(filter.program, "poll") == SECCOMP_RET_LOG);
  CHECK(ask(filter.program, "fstat") == (SECCOMP_RET_TRACE | 3));
  CHECK(ask(filter.program, "getpid") == eperm);
  for (const std::uint64_t value : {1u, 2u}) CHECK(ask(filter.program, "lseek", {value}) == allow);
  CHECK(ask(filter.program, "lseek", {3}) == eperm);
}

TEST_CASE("every comparison means what libseccomp's means") {
  struct Case {
    const char* name;
    std::vector<std::uint64_t> holds, fails;
  };
  constexpr std::uint64_t five_high = std::uint64_t{5} << 32;
  for (const Case& test : {Case{"SCMP_CMP_EQ", {five_high + 7}, {7, five_high, five_high + 8}},
                           Case{"SCMP_CMP_NE", {7, five_high, five_high + 8}, {five_high + 7}},
                           Case{"SCMP_CMP_LT", {0, five_high + 6, 0xffffffff}, {five_high + 7, ~std::uint64_t{0}}},
                           Case{"SCMP_CMP_LE", {0, five_high + 7}, {five_high + 8, 6 * (std::uint64_t{1} << 32)}},
                           Case{"SCMP_CMP_GE", {five_high + 7, ~std::uint64_t{0}}, {five_high + 6, 0xffffffff}},
                           Case{"SCMP_CMP_GT", {five_high + 8, ~std::uint64_t{0}}, {five_high + 7, 0xffffffff}}}) {
    CAPTURE(test.name);
    const std::vector<sock_filter> program = compile(base::concat(
        R"({"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW","args":[)",
        R"({"index":2,"value":)", five_high + 7, R"(,"op":")", test.name, R"("}]}]})"));
    for (const std::uint64_t value : test.holds) CHECK(ask(program, "read", {0, 0, value}) == allow);
    for (const std::uint64_t value : test.fails) CHECK(ask(program, "read", {0, 0, value}) == eperm);
  }
  const std::vector<sock_filter> masked =
      compile(R"({"defaultAction":"SCMP_ACT_ERRNO","syscalls":[{"names":["read"],"action":"SCMP_ACT_ALLOW","args":[)"
              R"({"index":5,"value":240,"valueTwo":32,"op":"SCMP_CMP_MASKED_EQ"}]}]})");
  CHECK(ask(masked, "read", {0, 0, 0, 0, 0, 0xf2f}) == allow);
  CHECK(ask(masked, "read", {0, 0, 0, 0, 0, 0x3f}) == eperm);
}

TEST_CASE("a rule without arguments is all there is for its call, and a rule for the default says nothing") {
  const std::vector<sock_filter> program =
      compile(R"({"defaultAction":"SCMP_ACT_ERRNO","syscalls":[)"
              R"({"names":["read"],"action":"SCMP_ACT_LOG","args":[{"index":0,"value":1,"op":"SCMP_CMP_EQ"}]},)"
              R"({"names":["read"],"action":"SCMP_ACT_ALLOW"},{"names":["read"],"action":"SCMP_ACT_TRAP"},)"
              R"({"names":["write"],"action":"SCMP_ACT_ERRNO","args":[{"index":0,"value":1,"op":"SCMP_CMP_EQ"}]},)"
              R"({"names":["write"],"action":"SCMP_ACT_LOG","args":[{"index":0,"value":3,"op":"SCMP_CMP_LT"}]},)"
              R"({"names":["close"],"action":"SCMP_ACT_ERRNO"},{"names":["close"],"action":"SCMP_ACT_ALLOW"}]})");
  CHECK(ask(program, "read", {1}) == allow);
  CHECK(ask(program, "write", {1}) == SECCOMP_RET_LOG);
  CHECK(ask(program, "close") == allow);
}

TEST_CASE("calls newer than a profile answer ENOSYS where it names the architecture, as with runc") {
  const std::string rules = R"("syscalls":[{"names":["read","openat2"],"action":"SCMP_ACT_ALLOW"}]})";
  const std::string native = base::concat(R"("architectures":[")", native_architecture().name, R"("],)");
  const auto answer = [&](const std::string& head, const char* name) { return ask(compile("{" + head + rules), name); };
  const std::string strict = R"("defaultAction":"SCMP_ACT_ERRNO",)", kill = R"("defaultAction":"SCMP_ACT_KILL",)";
  CHECK(answer(strict + native, "openat2") == allow);
  CHECK(answer(strict + native, "faccessat2") == enosys);  // openat2's number and two
  CHECK(answer(strict + native, "close_range") == eperm);  // openat2's number less one
  CHECK(answer(kill + native, "fchmodat2") == enosys);
  CHECK(answer(strict, "fchmodat2") == eperm);
  CHECK(answer(R"("defaultAction":"SCMP_ACT_LOG",)" + native, "fchmodat2") == SECCOMP_RET_LOG);
  CHECK(ask(compile("{" + strict + native + R"("syscalls":[]})"), "fchmodat2") == eperm);
}

TEST_CASE("every architecture that a profile names is filtered, by its own numbers") {
#if defined(__x86_64__)
  const std::vector<sock_filter> program =
      compile(R"({"defaultAction":"SCMP_ACT_ERRNO","architectures":["SCMP_ARCH_X86","SCMP_ARCH_X32","SCMP_ARCH_MIPS"],)"
              R"("syscalls":[{"names":["getpid"],"action":"SCMP_ACT_LOG"}]})");
  constexpr std::uint32_t x32_bit = 0x40000000;
  CHECK(run_filter(program, call_data(AUDIT_ARCH_X86_64, 39, {})) == SECCOMP_RET_LOG);
  CHECK(run_filter(program, call_data(AUDIT_ARCH_X86_64, 39 | x32_bit, {})) == SECCOMP_RET_LOG);
  CHECK(run_filter(program, call_data(AUDIT_ARCH_I386, 20, {})) == SECCOMP_RET_LOG);
  CHECK(run_filter(program, call_data(AUDIT_ARCH_I386, 11, {})) == eperm);
  CHECK(run_filter(program, call_data(AUDIT_ARCH_I386, 39, {})) == enosys);  // "newer"
  CHECK(run_filter(program, call_data(AUDIT_ARCH_MIPS, 39, {})) == SECCOMP_RET_KILL_PROCESS);
  const std::vector<sock_filter> native = compile(R"({"defaultAction":"SCMP_ACT_ALLOW"})");
  CHECK(run_filter(native, call_data(AUDIT_ARCH_X86_64, 39 | x32_bit, {})) == SECCOMP_RET_KILL_PROCESS);
  CHECK(run_filter(native, call_data(AUDIT_ARCH_I386, 20, {})) == SECCOMP_RET_KILL_PROCESS);
#endif
}

TEST_CASE("a malformed profile is refused with its place") {
  struct Case {
    std::string json, message;
  };
  for (const Case& test : {
           Case{R"({})", "defaultAction"},
           Case{R"({"defaultAction":"SCMP_ACT_MAYBE"})", "defaultAction"},
           Case{R"({"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":5000})", "defaultErrnoRet"},
           Case{R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"action":"SCMP_ACT_ALLOW"}]})", "syscalls[0]"},
           Case{R"({"defaultAction":"SCMP_ACT_ALLOW","flags":["NO"]})", "flags[0]"},
           Case{R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_KILL",)"
                R"("args":[{"index":6,"value":0,"op":"SCMP_CMP_EQ"}]}]})",
                "index"},
           Case{R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_KILL",)"
                R"("args":[{"index":0,"value":0,"op":"="}]}]})",
                "op"},
           Case{R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_KILL",)"
                R"("args":[{"index":0,"op":"SCMP_CMP_EQ"}]}]})",
                "value"},
           Case{R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":[],"action":"SCMP_ACT_KILL"}]})", "names"},
           Case{R"({"defaultAction":"SCMP_ACT_ALLOW","defaultErrnoRet":1})", "defaultErrnoRet"},
           Case{R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["read"],"action":"SCMP_ACT_LOG",)"
                R"("errnoRet":1}]})",
                "syscalls[0].errnoRet"},
           Case{R"({"defaultAction":"SCMP_ACT_ALLOW","architectures":["SCMP_ARCH_PDP11"]})", "SCMP_ARCH_PDP11"},
           Case{R"({"defaultAction":"SCMP_ACT_ALLOW","listenerMetadata":"x"})", "listenerMetadata"},
       }) {
    CAPTURE(test.json);
    try {
      compile(test.json);
      FAIL("no error");
    } catch (const base::Error& error) {
      CHECK(error.message().find(test.message) != std::string::npos);
    }
  }
}

}  // namespace runtime
