#include <array>
#include <doctest/doctest.h>
#include <optional>

#include "base/text.hpp"
#include "runtime/cgroup_devices.hpp"

using runtime::DeviceRule;
using runtime::parse_resources;

namespace {

struct Request {
  char type;
  std::uint32_t major, minor;
  std::string access;
};

/// Runs the few instructions that a device program may use; any other, a jump out of it or no answer is a failure.
std::optional<std::uint64_t> interpret(const std::vector<bpf_insn>& program, const bpf_cgroup_dev_ctx& context) {
  std::array<std::uint64_t, 11> registers{};
  for (std::size_t at = 0; at < program.size(); ++at) {
    const bpf_insn& code = program[at];
    std::uint64_t& target = registers[code.dst_reg];
    const auto number = static_cast<std::uint64_t>(static_cast<std::int64_t>(code.imm));
    const auto jump = static_cast<std::size_t>(code.off);
    switch (code.code) {
      case BPF_LDX | BPF_MEM | BPF_W:
        if (code.off == offsetof(bpf_cgroup_dev_ctx, access_type)) target = context.access_type;
        if (code.off == offsetof(bpf_cgroup_dev_ctx, major)) target = context.major;
        if (code.off == offsetof(bpf_cgroup_dev_ctx, minor)) target = context.minor;
        break;
      case BPF_ALU | BPF_MOV | BPF_X:
        target = registers[code.src_reg] & 0xffffffffU;
        break;
      case BPF_ALU | BPF_MOV | BPF_K:
        target = number & 0xffffffffU;
        break;
      case BPF_ALU | BPF_AND | BPF_K:
        target = target & number & 0xffffffffU;
        break;
      case BPF_ALU | BPF_RSH | BPF_K:
        target = (target & 0xffffffffU) >> number;
        break;
      case BPF_JMP | BPF_JNE | BPF_K:
        if (target != number) at += jump;
        break;
      case BPF_JMP | BPF_JEQ | BPF_K:
        if (target == number) at += jump;
        break;
      case BPF_JMP | BPF_EXIT:
        return registers[0];
      default:
        return std::nullopt;
    }
  }
  return std::nullopt;
}

bool is_allowed(const std::vector<DeviceRule>& rules, const Request& request) {
  unsigned bits = 0;
  if (request.access.find('m') != std::string::npos) bits |= BPF_DEVCG_ACC_MKNOD;
  if (request.access.find('r') != std::string::npos) bits |= BPF_DEVCG_ACC_READ;
  if (request.access.find('w') != std::string::npos) bits |= BPF_DEVCG_ACC_WRITE;
  const unsigned type = request.type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR;
  const auto answer = interpret(runtime::device_program(rules), {(bits << 16) | type, request.major, request.minor});
  REQUIRE(answer);
  REQUIRE(*answer <= 1);
  return *answer == 1;
}

/// What the words mean, without any program: for each bit the last rule that fits.
bool should_be_allowed(const std::vector<DeviceRule>& rules, const Request& request) {
  for (const char bit : request.access) {
    bool allowed = false;
    for (const DeviceRule& rule : rules) {
      const bool fits = (rule.type == 'a' || rule.type == request.type) &&
                        rule.major.value_or(request.major) == request.major &&
                        rule.minor.value_or(request.minor) == request.minor;
      if (fits && (bit == 'r' ? rule.read : bit == 'w' ? rule.write : rule.node)) allowed = rule.allow;
    }
    if (!allowed) return false;
  }
  return true;
}

std::vector<DeviceRule> rules_of(const char* json) {
  return parse_resources(json).devices;
}

std::string writes_of(const std::vector<DeviceRule>& rules) {
  std::vector<std::string> words;
  for (const runtime::DeviceWrite& write : runtime::device_writes(rules))
    words.push_back(base::concat(std::string_view{write.file}.substr(8), "=", write.value));
  return base::join(words, ";");
}

constexpr const char* deny_all_but_fuse =
    R"({"devices":[{"allow":false,"access":"rwm"},{"allow":true,"type":"c","major":10,"minor":229,"access":"rw"}]})";

}  // namespace

TEST_CASE("a container may use the default devices and those that are listed, and make any node") {
  const auto rules = runtime::device_rules(parse_resources(deny_all_but_fuse), {});
  CHECK(is_allowed(rules, {'c', 1, 3, "rwm"}));
  CHECK(is_allowed(rules, {'c', 5, 2, "rw"}));
  CHECK(is_allowed(rules, {'c', 136, 17, "rw"}));
  CHECK(is_allowed(rules, {'c', 10, 229, "rw"}));
  CHECK(is_allowed(rules, {'b', 8, 0, "m"}));
  CHECK_FALSE(is_allowed(rules, {'b', 8, 0, "r"}));
  CHECK_FALSE(is_allowed(rules, {'b', 8, 0, "rm"}));
  CHECK_FALSE(is_allowed(rules, {'c', 1, 1, "r"}));  // mem
  CHECK_FALSE(is_allowed(rules, {'b', 1, 3, "r"}));  // a ram disk, not null
  CHECK_FALSE(is_allowed(rules, {'c', 10, 228, "r"}));
}

TEST_CASE("without a list of its own a container may use what linux.devices puts into it") {
  runtime::Device fuse;
  fuse.major = 10;
  fuse.minor = 229;
  const auto rules = runtime::device_rules({}, runtime::rules_for({fuse}));
  CHECK(is_allowed(rules, {'c', 10, 229, "rw"}));
  CHECK_FALSE(is_allowed(rules, {'c', 10, 200, "rw"}));
  const auto listed = runtime::device_rules(parse_resources(R"({"devices":[]})"), runtime::rules_for({fuse}));
  CHECK_FALSE(is_allowed(listed, {'c', 10, 229, "rw"}));
}

TEST_CASE("rules that allow everything need no program") {
  const auto everything = rules_of(R"({"devices":[{"allow":false},{"allow":true,"access":"rwm"}]})");
  CHECK(runtime::allows_everything(everything));
  CHECK(is_allowed(everything, {'b', 8, 0, "rwm"}));
  CHECK_FALSE(runtime::allows_everything(rules_of(deny_all_but_fuse)));
  CHECK_FALSE(runtime::allows_everything(rules_of(R"({"devices":[{"allow":true,"access":"rw"}]})")));
  CHECK_FALSE(
      runtime::allows_everything(rules_of(R"({"devices":[{"allow":true},{"allow":false,"type":"b","major":8}]})")));
  CHECK_FALSE(runtime::allows_everything({}));
}

TEST_CASE("the program means what the rules say, for every combination") {
  const std::vector<DeviceRule> lists[] = {
      {},
      rules_of(deny_all_but_fuse),
      rules_of(R"({"devices":[{"allow":true},{"allow":false,"type":"b","major":8,"access":"w"},
                              {"allow":true,"type":"b","major":8,"minor":1,"access":"w"}]})"),
      rules_of(R"({"devices":[{"allow":true,"major":8,"access":"r"},{"allow":true,"minor":1,"access":"wm"},
                              {"allow":false,"type":"c","access":"m"}]})"),
      rules_of(R"({"devices":[{"allow":true,"type":"c","access":"rw"},{"allow":false,"access":"rwm"},
                              {"allow":true,"type":"b","access":"m"}]})"),
  };
  for (const auto& rules : lists) {
    for (const char type : {'b', 'c'}) {
      for (const std::uint32_t major : {8U, 10U, 0xfffU}) {
        for (const std::uint32_t minor : {0U, 1U, 229U, 0xfffffU}) {
          for (const char* access : {"r", "w", "m", "rw", "rm", "wm", "rwm"}) {
            const Request request{type, major, minor, access};
            CAPTURE(type);
            CAPTURE(major);
            CAPTURE(minor);
            CAPTURE(access);
            CHECK(is_allowed(rules, request) == should_be_allowed(rules, request));
          }
        }
      }
    }
  }
}

TEST_CASE("v1 gets one write a rule, and begins with denying all") {
  CHECK(writes_of(rules_of(deny_all_but_fuse)) == "deny=a;allow=c 10:229 rw");
  CHECK(writes_of(rules_of(R"({"devices":[{"allow":true,"type":"b","major":8}]})")) == "deny=a;allow=b 8:* rwm");
  CHECK(writes_of(rules_of(R"({"devices":[{"allow":true},{"allow":false,"major":8,"access":"w"}]})")) ==
        "allow=a;deny=b 8:* w;deny=c 8:* w");
  CHECK(writes_of({}) == "deny=a");
}
