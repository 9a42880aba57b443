#include <doctest/doctest.h>
#include <sys/stat.h>

#include "base/error.hpp"
#include "runtime/seccomp_emulation.hpp"
#include "runtime/seccomp_without.hpp"
#include "tests/unit/runtime/seccomp_questions.hpp"

namespace runtime {
namespace {

constexpr std::uint32_t done = SECCOMP_RET_ERRNO;  // errno 0
const std::vector<std::string> usual = {"CAP_CHOWN", "CAP_MKNOD", "CAP_SETUID", "CAP_SETGID"};

std::vector<sock_filter> emulating(const std::string& json, RootEmulation emulation = {0, 0, usual}) {
  return compile(with_root_emulation(json, emulation));
}

TEST_CASE("what a single id cannot do is answered with success, and its own id is the kernel's") {
  for (const std::string& json : {default_profile_json(usual), std::string{}}) {
    const auto program = emulating(json);
    CHECK(ask(program, "chown", {1, 0, 0}) == allow);
    CHECK(ask(program, "chown", {1, 5, 0}) == done);
    CHECK(ask(program, "chown", {1, 0, 5}) == done);
    CHECK(ask(program, "fchownat", {1, 2, 0, 0}) == allow);
    CHECK(ask(program, "fchownat", {1, 2, 0, 7}) == done);
    CHECK(ask(program, "setuid", {0}) == allow);
    CHECK(ask(program, "setuid", {100}) == done);
    CHECK(ask(program, "setresuid", {0, 0, 0}) == allow);
    CHECK(ask(program, "setresuid", {0, 0, 1}) == done);
    CHECK(ask(program, "setresgid", {0, 3, 0}) == done);
    CHECK(ask(program, "setgroups", {1, 2}) == done);
    CHECK(ask(program, "read") == allow);
  }
}

TEST_CASE("devices are not made, other files are") {
  for (const std::string& json : {default_profile_json(usual), std::string{}}) {
    const auto program = emulating(json);
    CHECK(ask(program, "mknod", {1, S_IFCHR | 0600, 0x103}) == done);
    CHECK(ask(program, "mknod", {1, S_IFBLK | 0600, 0x103}) == done);
    CHECK(ask(program, "mknodat", {1, 2, S_IFCHR | 0600, 0x103}) == done);
    CHECK(ask(program, "mknod", {1, S_IFCHR | 0600, 0}) == allow);  // a whiteout
    CHECK(ask(program, "mknod", {1, S_IFIFO | 0600, 0}) == allow);
    CHECK(ask(program, "mknodat", {1, 2, 0600, 0}) == allow);
  }
}

TEST_CASE("the own id may have another number inside") {
  const auto program = emulating(default_profile_json(usual), {1000, 1001, usual});
  CHECK(ask(program, "chown", {1, 1000, 1001}) == allow);
  CHECK(ask(program, "chown", {1, 0, 1001}) == done);
  CHECK(ask(program, "setgid", {1001}) == allow);
  CHECK(ask(program, "setgid", {0}) == done);
}

TEST_CASE("a dropped capability is not emulated") {
  const auto program = emulating(default_profile_json({}), {0, 0, {"CAP_SETGID"}});
  CHECK(ask(program, "chown", {1, 5, 5}) == allow);  // and the kernel says EPERM
  CHECK(ask(program, "setuid", {5}) == allow);
  CHECK(ask(program, "setgid", {5}) == done);
  CHECK(ask(program, "mknod", {1, S_IFCHR | 0600, 0x103}) == allow);
}

TEST_CASE("what a profile refuses, or allows on conditions, stays so") {
  const std::string json = R"({"defaultAction":"SCMP_ACT_ERRNO","syscalls":[
    {"names":["setuid"],"action":"SCMP_ACT_ALLOW"},{"names":["lchown"],"action":"SCMP_ACT_ERRNO","errnoRet":38},
    {"names":["fchown"],"action":"SCMP_ACT_ALLOW","args":[{"index":1,"value":9,"op":"SCMP_CMP_EQ"}]}]})";
  const auto program = emulating(json);
  CHECK(ask(program, "setuid", {5}) == done);
  CHECK(ask(program, "chown", {1, 5, 5}) == eperm);
  CHECK(ask(program, "lchown", {1, 5, 5}) == enosys);
  CHECK(ask(program, "fchown", {1, 9, 5}) == allow);
  CHECK(ask(program, "fchown", {1, 5, 5}) == eperm);
  CHECK_THROWS_AS(with_root_emulation("{", {}), base::Error);
}

TEST_CASE("calls that are taken away fail, whatever else the profile says of them") {
  for (const std::string& json : {default_profile_json({"CAP_SYS_PTRACE", "CAP_SYS_CHROOT"}), std::string{}}) {
    const auto program = compile(without_calls(json, {"ptrace", "chroot"}));
    CHECK(ask(program, "ptrace", {16, 1}) == eperm);
    CHECK(ask(program, "chroot") == eperm);
    CHECK(ask(program, "read") == allow);
  }
}

}  // namespace
}  // namespace runtime
