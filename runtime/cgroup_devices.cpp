#include "runtime/cgroup_devices.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace runtime {
namespace {

constexpr DeviceRule allowed(std::uint32_t major, std::uint32_t minor) {
  return {.allow = true, .type = 'c', .major = major, .minor = minor};
}

DeviceRule mknod_of(char type) {
  return {.allow = true, .type = type, .read = false, .write = false};
}

std::vector<DeviceRule> default_rules() {
  return {mknod_of('c'),
          mknod_of('b'),
          allowed(1, 3),                                // null
          allowed(1, 5),                                // zero
          allowed(1, 7),                                // full
          allowed(1, 8),                                // random
          allowed(1, 9),                                // urandom
          allowed(5, 0),                                // tty
          allowed(5, 1),                                // console
          allowed(5, 2),                                // ptmx
          {.allow = true, .type = 'c', .major = 136}};  // pts
}

bool is_for_all(const DeviceRule& rule) {
  return rule.type == 'a' && !rule.major && !rule.minor && rule.read && rule.write && rule.node;
}

/// Rules from the last one that is about everything on; those before it do not matter.
std::vector<DeviceRule> rules_that_matter(const std::vector<DeviceRule>& rules) {
  const auto last = std::find_if(rules.rbegin(), rules.rend(), is_for_all);
  return {last == rules.rend() ? rules.begin() : last.base() - 1, rules.end()};
}

std::int32_t access_bits(const DeviceRule& rule) {
  return (rule.node ? BPF_DEVCG_ACC_MKNOD : 0) | (rule.read ? BPF_DEVCG_ACC_READ : 0) |
         (rule.write ? BPF_DEVCG_ACC_WRITE : 0);
}

// Registers of the program: the context, the answer, what is asked for, and a scratch. `pending` are the access bits
// that no rule decided yet.
enum Register : unsigned { answer = 0, context = 1, type = 2, pending = 3, major = 4, minor = 5, scratch = 6 };

bpf_insn instruction(int code, Register target, Register source, std::int16_t offset, std::int32_t value) {
  bpf_insn result{};
  result.code = static_cast<std::uint8_t>(code);
  result.dst_reg = static_cast<std::uint8_t>(target & 0xfU);
  result.src_reg = static_cast<std::uint8_t>(source & 0xfU);
  result.off = offset;
  result.imm = value;
  return result;
}

bpf_insn load(Register target, std::size_t offset) {
  return instruction(BPF_LDX | BPF_MEM | BPF_W, target, context, static_cast<std::int16_t>(offset), 0);
}

bpf_insn compute(int operation, Register target, std::int32_t value) {
  return instruction(BPF_ALU | operation | BPF_K, target, answer, 0, value);
}

bpf_insn copy(Register target, Register source) {
  return instruction(BPF_ALU | BPF_MOV | BPF_X, target, source, 0, 0);
}

bpf_insn jump_unless_equal(Register left, std::uint32_t right, std::size_t distance) {
  return instruction(BPF_JMP | BPF_JNE | BPF_K, left, answer, static_cast<std::int16_t>(distance),
                     static_cast<std::int32_t>(right));
}

void append_return(std::vector<bpf_insn>& program, bool allow) {
  program.push_back(compute(BPF_MOV, answer, allow ? 1 : 0));
  program.push_back(instruction(BPF_JMP | BPF_EXIT, answer, answer, 0, 0));
}

/// What happens when device and rule fit: the bits of the rule are decided.
std::vector<bpf_insn> decision(const DeviceRule& rule) {
  std::vector<bpf_insn> code;
  if (rule.allow) {
    code.push_back(compute(BPF_AND, pending, 7 & ~access_bits(rule)));
    code.push_back(jump_unless_equal(pending, 0, 2));
    append_return(code, true);
  } else {
    code.push_back(copy(scratch, pending));
    code.push_back(compute(BPF_AND, scratch, access_bits(rule)));
    // One denied bit denies the whole request.
    code.push_back(instruction(BPF_JMP | BPF_JEQ | BPF_K, scratch, answer, 2, 0));
    append_return(code, false);
  }
  return code;
}

void append_rule(std::vector<bpf_insn>& program, const DeviceRule& rule) {
  const std::vector<bpf_insn> code = decision(rule);
  std::vector<std::pair<Register, std::uint32_t>> tests;
  if (rule.type != 'a') tests.emplace_back(type, rule.type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR);
  if (rule.major) tests.emplace_back(major, *rule.major);
  if (rule.minor) tests.emplace_back(minor, *rule.minor);
  for (std::size_t at = 0; at < tests.size(); ++at)
    program.push_back(jump_unless_equal(tests[at].first, tests[at].second, tests.size() - at - 1 + code.size()));
  program.insert(program.end(), code.begin(), code.end());
}

std::string number_or_all(const std::optional<std::uint32_t>& number) {
  return number ? std::to_string(*number) : "*";
}

}  // namespace

std::vector<DeviceRule> rules_for(const std::vector<Device>& devices) {
  std::vector<DeviceRule> rules;
  for (const Device& device : devices) {
    if (device.type == 'p') continue;
    rules.push_back(
        {.allow = true, .type = device.type == 'b' ? 'b' : 'c', .major = device.major, .minor = device.minor});
  }
  return rules;
}

std::vector<DeviceRule> device_rules(const Resources& resources, const std::vector<DeviceRule>& devices) {
  std::vector<DeviceRule> rules = resources.has_devices ? resources.devices : devices;
  const std::vector<DeviceRule> defaults = default_rules();
  rules.insert(rules.end(), defaults.begin(), defaults.end());
  return rules;
}

bool allows_everything(const std::vector<DeviceRule>& rules) {
  const std::vector<DeviceRule> known = rules_that_matter(rules);
  return !known.empty() && is_for_all(known.front()) &&
         std::all_of(known.begin(), known.end(), [](const DeviceRule& rule) { return rule.allow; });
}

std::vector<bpf_insn> device_program(const std::vector<DeviceRule>& rules) {
  std::vector<bpf_insn> program = {load(type, offsetof(bpf_cgroup_dev_ctx, access_type)),
                                   copy(pending, type),
                                   compute(BPF_AND, type, 0xffff),
                                   compute(BPF_RSH, pending, 16),
                                   load(major, offsetof(bpf_cgroup_dev_ctx, major)),
                                   load(minor, offsetof(bpf_cgroup_dev_ctx, minor))};
  const std::vector<DeviceRule> known = rules_that_matter(rules);
  const bool starts_allowed = !known.empty() && is_for_all(known.front()) && known.front().allow;
  for (auto rule = known.rbegin(); rule != known.rend(); ++rule) {
    if (!is_for_all(*rule)) append_rule(program, *rule);
  }
  append_return(program, starts_allowed);
  return program;
}

std::vector<DeviceWrite> device_writes(const std::vector<DeviceRule>& rules) {
  const std::vector<DeviceRule> known = rules_that_matter(rules);
  std::vector<DeviceWrite> writes;
  // A new cgroup has its parent's list; what the first rule does not say is denied.
  if (known.empty() || !is_for_all(known.front())) writes.push_back({"devices.deny", "a"});
  for (const DeviceRule& rule : known) {
    const char* file = rule.allow ? "devices.allow" : "devices.deny";
    if (is_for_all(rule)) {
      writes.push_back({file, "a"});
      continue;
    }
    std::string access = rule.read ? "r" : "";
    if (rule.write) access += 'w';
    if (rule.node) access += 'm';
    for (const char each : {'b', 'c'}) {
      if (rule.type == 'a' || rule.type == each)
        writes.push_back(
            {file, base::concat(each, " ", number_or_all(rule.major), ":", number_or_all(rule.minor), " ", access)});
    }
  }
  return writes;
}

}  // namespace runtime
