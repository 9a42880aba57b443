#pragma once

#include <cstddef>
#include <cstdint>
#include <linux/filter.h>
#include <map>
#include <vector>

#include "runtime/seccomp_rules.hpp"

namespace runtime {

/// Builds a classic BPF program from its end to its start, so that every jump's target is known when it is written;
/// targets beyond 255 instructions are reached through an unconditional jump placed in between.
class SeccompProgram {
 public:
  /// A place in the program: how many instructions stand from there to the end.
  using Place = std::size_t;

  Place answer(std::uint32_t action);
  /// Loads 4 bytes of struct seccomp_data, then goes on at `next`.
  Place load(std::size_t offset, Place next);
  /// BPF_ALU | BPF_AND | BPF_K
  Place mask(std::uint32_t bits, Place next);
  Place if_equal(std::uint32_t value, Place yes, Place no) { return branch(BPF_JEQ, value, yes, no); }
  Place if_at_least(std::uint32_t value, Place yes, Place no) { return branch(BPF_JGE, value, yes, no); }
  Place if_above(std::uint32_t value, Place yes, Place no) { return branch(BPF_JGT, value, yes, no); }
  /// A test of one system call argument.
  Place test(const ArgumentRule& rule, Place yes, Place no);

  /// The program that starts at `start`, in the kernel's order.
  std::vector<sock_filter> finish(Place start) const;

 private:
  Place add(std::uint16_t code, std::uint32_t operand, std::uint8_t if_true = 0, std::uint8_t if_false = 0);
  Place branch(std::uint16_t comparison, std::uint32_t value, Place yes, Place no);
  Place within_reach(Place target);
  Place following(Place next);
  Place compare_words(const ArgumentRule& rule, std::uint16_t comparison, Place yes, Place no);

  std::vector<sock_filter> reversed_;
  std::map<std::uint32_t, Place> answers_;
};

}  // namespace runtime
