#include <algorithm>
#include <array>
#include <cerrno>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <optional>
#include <random>
#include <seccomp.h>
#include <string>
#include <unistd.h>
#include <vector>

#include "base/error.hpp"
#include "base/fs.hpp"
#include "runtime/seccomp.hpp"
#include "runtime/seccomp_embedded.hpp"
#include "runtime/seccomp_emit.hpp"
#include "runtime/seccomp_names.hpp"
#include "runtime/seccomp_rules.hpp"
#include "tests/unit/runtime/seccomp_questions.hpp"
#include "tests/unit/runtime/stub_runner.hpp"

namespace runtime {
namespace {

constexpr std::uint64_t high_bits = 0x1234567800000000;

const std::vector<std::string> podman_set = {"CAP_CHOWN", "CAP_KILL", "CAP_SETUID", "CAP_SYS_CHROOT"};

std::uint32_t libseccomp_action(std::uint32_t action) {
  switch (action & SECCOMP_RET_ACTION_FULL) {
    case SECCOMP_RET_ALLOW:
      return SCMP_ACT_ALLOW;
    case SECCOMP_RET_ERRNO:
      return SCMP_ACT_ERRNO(action & SECCOMP_RET_DATA);
    case SECCOMP_RET_LOG:
      return SCMP_ACT_LOG;
    default:
      return SCMP_ACT_KILL_PROCESS;
  }
}

scmp_compare libseccomp_test(ArgumentTest test) {
  switch (test) {
    case ArgumentTest::equal:
      return SCMP_CMP_EQ;
    case ArgumentTest::not_equal:
      return SCMP_CMP_NE;
    case ArgumentTest::less:
      return SCMP_CMP_LT;
    case ArgumentTest::less_or_equal:
      return SCMP_CMP_LE;
    case ArgumentTest::greater_or_equal:
      return SCMP_CMP_GE;
    case ArgumentTest::greater:
      return SCMP_CMP_GT;
    default:
      return SCMP_CMP_MASKED_EQ;
  }
}

/// The same JSON through libseccomp, as crun and runc use it, for the native architecture.
std::vector<sock_filter> oracle(const std::string& json) {
  const SeccompProfile profile = parse_seccomp(base::JsonAt::parse(json, "profile"));
  scmp_filter_ctx context = ::seccomp_init(libseccomp_action(profile.default_action));
  REQUIRE(context != nullptr);
  for (const SyscallRule& rule : profile.rules) {
    if (rule.action == profile.default_action) continue;
    std::vector<scmp_arg_cmp> arguments;
    for (const ArgumentRule& argument : rule.arguments)
      arguments.push_back({argument.index, libseccomp_test(argument.test), argument.value, argument.value_two});
    for (const std::string& name : rule.names) {
      const int number = ::seccomp_syscall_resolve_name(name.c_str());
      if (number < 0) continue;
      REQUIRE(::seccomp_rule_add_array(context, libseccomp_action(rule.action), number,
                                       static_cast<unsigned>(arguments.size()), arguments.data()) == 0);
    }
  }
  const base::TempDir folder;
  const base::UniqueFd file{::openat(folder.fd(), "bpf", O_RDWR | O_CREAT | O_CLOEXEC, 0600)};
  REQUIRE(::seccomp_export_bpf(context, file.get()) == 0);
  ::seccomp_release(context);
  REQUIRE(::lseek(file.get(), 0, SEEK_SET) == 0);
  const std::string bytes = base::read_to_end(file.get(), 1 << 20);
  std::vector<sock_filter> program(bytes.size() / sizeof(sock_filter));
  std::memcpy(program.data(), bytes.data(), bytes.size());
  return program;
}

constexpr std::array<std::uint64_t, 22> interesting = {0,
                                                       1,
                                                       2,
                                                       8,
                                                       9,
                                                       10,
                                                       16,
                                                       39,
                                                       40,
                                                       41,
                                                       0x5411,
                                                       0x5412,
                                                       0x5413,
                                                       0x541C,
                                                       0x20008,
                                                       0x02000000,
                                                       0x10000000,
                                                       0x7E020000,
                                                       0xffffffff,
                                                       high_bits | 0x5412,
                                                       high_bits | 40,
                                                       ~std::uint64_t{0}};

/// Every system call number, with interesting values in one argument at a time and in pairs.
void check_same(const std::vector<sock_filter>& ours, const std::vector<sock_filter>& theirs, std::uint32_t calls) {
  std::size_t differences = 0;
  const auto compare = [&](std::uint32_t number, const Arguments& arguments) {
    const seccomp_data data = call_data(native_architecture().audit, number, arguments);
    if (run_filter(ours, data) == run_filter(theirs, data)) return;
    if (++differences > 5) return;
    CAPTURE(number);
    CAPTURE(arguments[0]);
    CAPTURE(arguments[1]);
    CAPTURE(arguments[2]);
    CHECK(run_filter(ours, data) == run_filter(theirs, data));
  };
  for (std::uint32_t number = 0; number < calls; ++number)
    for (const std::uint64_t first : interesting) {
      for (std::size_t index = 0; index < 6; ++index) {
        Arguments arguments{};
        arguments[index] = first;
        compare(number, arguments);
      }
      for (const std::uint64_t second : interesting) compare(number, {first, second, second, first, second, 0});
    }
  CHECK(differences == 0);
}

template <class Pick>
std::vector<ArgumentRule> random_arguments(const Pick& pick) {
  constexpr std::array<ArgumentTest, 7> tests = {
      ArgumentTest::equal,         ArgumentTest::not_equal,        ArgumentTest::less,
      ArgumentTest::less_or_equal, ArgumentTest::greater_or_equal, ArgumentTest::greater,
      ArgumentTest::masked_equal};
  std::vector<ArgumentRule> arguments;
  const std::size_t count = pick(3);
  for (unsigned index = 0; index < count; ++index) {
    const std::uint64_t value = interesting[1 + pick(interesting.size() - 2)];
    arguments.push_back({index, tests[pick(tests.size())], value, interesting[pick(interesting.size())] & value, {}});
  }
  return arguments;
}

bool holds(const ArgumentRule& rule, std::uint64_t argument) {
  switch (rule.test) {
    case ArgumentTest::equal:
      return argument == rule.value;
    case ArgumentTest::not_equal:
      return argument != rule.value;
    case ArgumentTest::less:
      return argument < rule.value;
    case ArgumentTest::less_or_equal:
      return argument <= rule.value;
    case ArgumentTest::greater_or_equal:
      return argument >= rule.value;
    case ArgumentTest::greater:
      return argument > rule.value;
    default:
      return (argument & rule.value) == rule.value_two;
  }
}

/// What the header promises, in the plainest way: the first rule without arguments, else those with.
std::uint32_t plain_verdict(const SeccompProfile& profile, const std::string& name, const Arguments& arguments) {
  for (const bool with_arguments : {false, true})
    for (const SyscallRule& rule : profile.rules) {
      if (rule.names[0] != name || rule.arguments.empty() == with_arguments) continue;
      if (std::all_of(rule.arguments.begin(), rule.arguments.end(),
                      [&](const ArgumentRule& one) { return holds(one, arguments[one.index]); }))
        return rule.action;
    }
  return profile.default_action;
}

void check_against_rules(const std::vector<sock_filter>& program, const SeccompProfile& profile) {
  for (const char* name : {"read", "write", "ioctl", "socket", "clone", "mmap", "openat", "prctl", "close"})
    for (const std::uint64_t first : interesting)
      for (const std::uint64_t second : interesting) {
        const Arguments arguments{first, second, first};
        CHECK(ask(program, name, arguments) == plain_verdict(profile, name, arguments));
      }
}

}  // namespace

TEST_CASE("the default filter's verdicts, by call") {
  const std::vector<sock_filter> program = compile(default_profile_json(podman_set));
  for (const char* name :
       {"read", "openat", "execve", "ptrace", "chroot", "fchmodat2", "clone", "rseq", "memfd_create"}) {
    CAPTURE(name);
    CHECK(ask(program, name) == allow);
  }
  for (const char* name :
       {"mount",       "umount2", "unshare",      "setns",           "keyctl",     "add_key",
        "request_key", "bpf",     "reboot",       "init_module",     "kexec_load", "open_by_handle_at",
        "userfaultfd", "iopl",    "settimeofday", "perf_event_open", "fsopen",     "move_mount",
        "pivot_root",  "swapon",  "syslog"}) {
    CAPTURE(name);
    CHECK(ask(program, name) == eperm);
  }
  for (const char* name : {"clone3", "io_uring_setup", "_sysctl"}) {
    CAPTURE(name);
    CHECK(ask(program, name) == enosys);
  }
}

TEST_CASE("arguments are looked at as the kernel does, by their low 32 bits") {
  const std::vector<sock_filter> program = compile(default_profile_json(podman_set));
  struct Case {
    std::string name;
    Arguments arguments;
    std::uint32_t verdict;
  };
  for (const Case& test :
       {Case{"ioctl", {0, 0x5412}, eperm},                                                 // TIOCSTI
        Case{"ioctl", {0, high_bits | 0x5412}, eperm},                                     // CVE-2019-10063
        Case{"ioctl", {0, 0x541C}, eperm},                                                 // TIOCLINUX
        Case{"ioctl", {0, high_bits | 0x541C}, eperm}, Case{"ioctl", {0, 0x5413}, allow},  // TIOCGWINSZ
        Case{"ioctl", {0, 0xffffffff80045430}, allow},                                     // musl sign-extends TIOCGPTN
        Case{"socket", {1, 1, 0}, allow}, Case{"socket", {16, 3, 0}, allow},               // NETLINK_ROUTE
        Case{"socket", {16, 3, 9}, einval},                                                // NETLINK_AUDIT
        Case{"socket", {40, 1, 0}, eperm},                                                 // AF_VSOCK
        Case{"socket", {high_bits | 40, 1, 0}, eperm}, Case{"clone", {0x00010f00 | 17}, allow},
        Case{"clone", {0x10000000 | 17}, eperm},  // CLONE_NEWUSER
        Case{"clone", {0x00020000}, eperm},       // CLONE_NEWNS
        Case{"personality", {0}, allow}, Case{"personality", {0xffffffff}, allow},
        Case{"personality", {0x0040000}, enosys}}) {  // ADDR_NO_RANDOMIZE
    CAPTURE(test.name);
    CAPTURE(test.arguments[0]);
    CAPTURE(test.arguments[1]);
    CHECK(ask(program, test.name, test.arguments) == test.verdict);
  }
}

TEST_CASE("a capability opens what belongs to it") {
  struct Case {
    std::string capability, name;
  };
  for (const Case& test :
       {Case{"CAP_SYS_ADMIN", "mount"}, Case{"CAP_SYS_ADMIN", "clone3"}, Case{"CAP_SYS_CHROOT", "chroot"},
        Case{"CAP_SYS_PTRACE", "kcmp"}, Case{"CAP_BPF", "bpf"}, Case{"CAP_PERFMON", "perf_event_open"},
        Case{"CAP_SYS_TIME", "settimeofday"}, Case{"CAP_SYS_BOOT", "reboot"}}) {
    CAPTURE(test.name);
    CHECK(ask(compile(default_profile_json({})), test.name) != allow);
    CHECK(ask(compile(default_profile_json({test.capability})), test.name) == allow);
  }
  const Arguments audit{16, 3, 9};
  CHECK(ask(compile(default_profile_json({"CAP_AUDIT_WRITE"})), "socket", audit) == allow);
  const Arguments new_namespace{0x10000000};
  CHECK(ask(compile(default_profile_json({"CAP_SYS_ADMIN"})), "clone", new_namespace) == allow);
}

TEST_CASE("other architectures: i386 is filtered alike, x32 and unknown ones are killed") {
#if defined(__x86_64__)
  const std::vector<sock_filter> program = compile(default_profile_json(podman_set));
  const SyscallArchitecture i386 = find_architecture("SCMP_ARCH_X86").value();
  CHECK(ask(program, "openat", {}, i386) == allow);
  CHECK(ask(program, "mount", {}, i386) == eperm);
  CHECK(ask(program, "socket", {40}, i386) == eperm);
  CHECK(ask(program, "ioctl", {0, 0x5412}, i386) == eperm);
  CHECK(run_filter(program, call_data(AUDIT_ARCH_X86_64, 0x40000000, {})) == SECCOMP_RET_KILL_PROCESS);
  CHECK(run_filter(program, call_data(AUDIT_ARCH_AARCH64, 63, {})) == SECCOMP_RET_KILL_PROCESS);
#endif
}

TEST_CASE("the embedded programs are what their JSON compiles to") {
  REQUIRE(embedded_seccomp_count >= 5);
  for (std::size_t index = 0; index < embedded_seccomp_count; ++index) {
    const EmbeddedSeccomp& one = embedded_seccomp[index];
    CAPTURE(one.capabilities);
    const SeccompProfile profile = parse_seccomp(base::JsonAt::parse(one.json, "profile"));
    check_same({one.program, one.program + one.length}, emit_seccomp(profile), 600);
  }
}

TEST_CASE("libseccomp, which crun and runc use, understands our JSON as we do") {
  for (const std::vector<std::string>& capabilities :
       {podman_set, std::vector<std::string>{"CAP_SYS_ADMIN", "CAP_AUDIT_WRITE"}}) {
    const std::string json = default_profile_json(capabilities);
    check_same(compile(json), oracle(json), 450);
  }
}

TEST_CASE("random profiles say what their rules say, and single rules what libseccomp makes of them") {
  std::mt19937 random{20261122};
  const auto pick = [&](std::size_t limit) { return std::uniform_int_distribution<std::size_t>{0, limit - 1}(random); };
  for (int round = 0; round < 80; ++round) {
    CAPTURE(round);
    SeccompProfile profile;
    profile.default_action = enosys;
    for (const char* name : {"read", "write", "ioctl", "socket", "clone", "mmap", "openat", "prctl"}) {
      // libseccomp 2.5 mixes up some overlapping rules of one call, so it is asked about one rule a call only.
      const std::size_t rules = round % 2 == 0 ? 1 : pick(5);
      for (std::size_t rule = 0; rule < rules; ++rule) {
        const std::uint32_t action = pick(2) == 0 ? allow : eperm;
        profile.rules.push_back({{name}, action, random_arguments(pick)});
      }
    }
    const std::string json = write_seccomp(profile);
    const std::vector<sock_filter> ours = compile(json);
    if (round % 2 == 0) check_same(ours, oracle(json), 320);
    check_against_rules(ours, profile);
  }
}

TEST_CASE("a program that is too long for 8-bit jumps still decides right") {
  SeccompProfile profile;
  profile.default_action = eperm;
  for (std::uint64_t value = 0; value < 400; ++value)
    profile.rules.push_back({{"read"}, allow, {{0, ArgumentTest::equal, value * 3, 0, {}}}});
  profile.rules.push_back({{"write"}, allow, {}});
  const std::vector<sock_filter> program = emit_seccomp(profile);
  for (std::uint64_t value = 0; value < 1300; ++value)
    CHECK(ask(program, "read", {value}) == (value % 3 == 0 && value < 1200 ? allow : eperm));
  CHECK(ask(program, "write") == allow);
  for (std::uint64_t value = 0; value < 1000; ++value)
    profile.rules.push_back({{"read"}, allow, {{1, ArgumentTest::equal, value, 0, {}}}});
  CHECK_THROWS_AS(emit_seccomp(profile), base::Error);
}

TEST_CASE("docker's format is resolved for the container's capabilities, and OCI's passes unchanged") {
  const std::string oci = R"({"defaultAction":"SCMP_ACT_ALLOW","syscalls":[]})";
  CHECK(resolve_profile_json(oci, {}) == oci);
  const std::string docker =
      R"({"defaultAction":"SCMP_ACT_ERRNO","defaultErrnoRet":38,"archMap":[)"
      R"({"architecture":"SCMP_ARCH_X86_64","subArchitectures":["SCMP_ARCH_X86"]},)"
      R"({"architecture":"SCMP_ARCH_AARCH64","subArchitectures":["SCMP_ARCH_ARM"]}],"syscalls":[)"
      R"({"names":["read"],"action":"SCMP_ACT_ALLOW","args":[],"includes":{},"excludes":{}},)"
      R"({"name":"write","action":"SCMP_ACT_ALLOW"},)"
      R"({"names":["mount"],"action":"SCMP_ACT_ALLOW","includes":{"caps":["CAP_SYS_ADMIN"]}},)"
      R"({"names":["mount"],"action":"SCMP_ACT_ERRNO","errnoRet":1,"excludes":{"caps":["CAP_SYS_ADMIN"]}},)"
      R"({"names":["ptrace"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"4.8"}},)"
      R"({"names":["kill"],"action":"SCMP_ACT_ALLOW","includes":{"minKernel":"400.1"}},)"
      R"({"names":["bpf"],"action":"SCMP_ACT_ALLOW","includes":{"arches":["s390x"]}}]})";
  const std::vector<sock_filter> without = compile(resolve_profile_json(docker, {}));
  const std::vector<sock_filter> with = compile(resolve_profile_json(docker, {"CAP_SYS_ADMIN"}));
  CHECK(ask(without, "mount") == eperm);
  CHECK(ask(with, "mount") == allow);
  for (const char* name : {"read", "write", "ptrace"}) CHECK(ask(without, name) == allow);
  for (const char* name : {"kill", "bpf"}) CHECK(ask(without, name) == enosys);
}

TEST_CASE("the kernel takes the default filter, and the program runs under it") {
  StagePlan plan = harmless_plan({"sh", "-c", "grep Seccomp: /proc/self/status; unshare -U true 2>&1"});
  plan.seccomp = compile(default_profile_json(podman_set));
  const StageResult result = run_stage(plan);
  CHECK_FALSE(result.report.has_value());
  CHECK(result.out == "Seccomp:\t2\nunshare: unshare failed: Operation not permitted\n");
}

}  // namespace runtime
