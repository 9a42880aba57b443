#include "runtime/seccomp_program.hpp"

#include <linux/seccomp.h>

namespace runtime {
namespace {

/// Both halves of an argument, as the machine (little-endian: x86_64, aarch64) has them in struct seccomp_data.
constexpr std::size_t low_half(unsigned index) {
  return offsetof(seccomp_data, args) + index * sizeof(std::uint64_t);
}
constexpr std::size_t high_half(unsigned index) {
  return low_half(index) + sizeof(std::uint32_t);
}

constexpr std::uint32_t low(std::uint64_t value) {
  return static_cast<std::uint32_t>(value);
}
constexpr std::uint32_t high(std::uint64_t value) {
  return static_cast<std::uint32_t>(value >> 32);
}

}  // namespace

SeccompProgram::Place SeccompProgram::add(std::uint16_t code, std::uint32_t operand, std::uint8_t if_true,
                                          std::uint8_t if_false) {
  reversed_.push_back({code, if_true, if_false, operand});
  return reversed_.size();
}

/// `target` itself, or a jump to it, when it is too far for the 8 bits of a branch that is written next but one.
SeccompProgram::Place SeccompProgram::within_reach(Place target) {
  constexpr std::size_t farthest = 250;
  const std::size_t distance = reversed_.size() - target;
  if (distance <= farthest) return target;
  return add(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(distance));
}

/// Makes sure that the instruction written next falls through to `next`.
SeccompProgram::Place SeccompProgram::following(Place next) {
  const std::size_t distance = reversed_.size() - next;
  return distance == 0 ? next : add(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(distance));
}

SeccompProgram::Place SeccompProgram::answer(std::uint32_t action) {
  const auto known = answers_.find(action);
  if (known != answers_.end()) return known->second;
  return answers_[action] = add(BPF_RET | BPF_K, action);
}

SeccompProgram::Place SeccompProgram::load(std::size_t offset, Place next) {
  following(next);
  return add(BPF_LD | BPF_W | BPF_ABS, static_cast<std::uint32_t>(offset));
}

SeccompProgram::Place SeccompProgram::mask(std::uint32_t bits, Place next) {
  following(next);
  return add(BPF_ALU | BPF_AND | BPF_K, bits);
}

SeccompProgram::Place SeccompProgram::branch(std::uint16_t comparison, std::uint32_t value, Place yes, Place no) {
  if (yes == no) return yes;
  const Place near_yes = within_reach(yes);
  const Place near_no = within_reach(no);
  const std::size_t here = reversed_.size();
  return add(static_cast<std::uint16_t>(BPF_JMP | comparison | BPF_K), value,
             static_cast<std::uint8_t>(here - near_yes), static_cast<std::uint8_t>(here - near_no));
}

/// 64-bit "above" (BPF_JGT) or "at least" (BPF_JGE): the high halves decide unless they are equal.
SeccompProgram::Place SeccompProgram::compare_words(const ArgumentRule& rule, std::uint16_t comparison, Place yes,
                                                    Place no) {
  const Place low_place = load(low_half(rule.index), branch(comparison, low(rule.value), yes, no));
  const Place equal = if_equal(high(rule.value), low_place, no);
  return load(high_half(rule.index), if_above(high(rule.value), yes, equal));
}

SeccompProgram::Place SeccompProgram::test(const ArgumentRule& rule, Place yes, Place no) {
  switch (rule.test) {
    case ArgumentTest::not_equal:
      return test({rule.index, ArgumentTest::equal, rule.value, 0, {}}, no, yes);
    case ArgumentTest::equal:
      return test({rule.index, ArgumentTest::masked_equal, ~std::uint64_t{0}, rule.value, {}}, yes, no);
    case ArgumentTest::less:
      return compare_words(rule, BPF_JGE, no, yes);
    case ArgumentTest::less_or_equal:
      return compare_words(rule, BPF_JGT, no, yes);
    case ArgumentTest::greater_or_equal:
      return compare_words(rule, BPF_JGE, yes, no);
    case ArgumentTest::greater:
      return compare_words(rule, BPF_JGT, yes, no);
    case ArgumentTest::low_half_is_none_of: {
      Place next = yes;
      for (const std::uint32_t number : rule.none_of) next = if_equal(number, no, next);
      return load(low_half(rule.index), next);
    }
    case ArgumentTest::masked_equal:
      break;
  }
  const std::uint64_t wanted = rule.value_two & rule.value;
  Place next = yes;
  for (const bool upper : {false, true}) {
    const std::uint32_t bits = upper ? high(rule.value) : low(rule.value);
    if (bits == 0) continue;
    next = if_equal(upper ? high(wanted) : low(wanted), next, no);
    if (bits != ~std::uint32_t{0}) next = mask(bits, next);
    next = load(upper ? high_half(rule.index) : low_half(rule.index), next);
  }
  return next;
}

std::vector<sock_filter> SeccompProgram::finish(Place start) const {
  const auto begin = reversed_.rend() - static_cast<std::ptrdiff_t>(start);
  return {begin, reversed_.rend()};
}

}  // namespace runtime
