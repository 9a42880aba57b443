#include "runtime/seccomp_emit.hpp"

#include <algorithm>
#include <cerrno>
#include <linux/seccomp.h>
#include <map>
#include <optional>
#include <utility>

#include "base/error.hpp"
#include "runtime/seccomp_names.hpp"
#include "runtime/seccomp_program.hpp"

namespace runtime {
namespace {

using Place = SeccompProgram::Place;

constexpr std::uint32_t x32_bit = 0x40000000;  // __X32_SYSCALL_BIT

/// All rules of one system call.
struct CallRules {
  std::vector<const SyscallRule*> with_arguments;
  const SyscallRule* without = nullptr;
};

std::map<std::uint32_t, CallRules> group_by_number(const SeccompProfile& profile,
                                                   const SyscallArchitecture& architecture) {
  std::map<std::uint32_t, CallRules> calls;
  for (const SyscallRule& rule : profile.rules)
    for (const std::string& name : rule.names) {
      const std::optional<std::uint32_t> number = syscall_number(architecture, name);
      if (!number) continue;
      CallRules& call = calls[*number];
      if (rule.action == profile.default_action) continue;  // says nothing, as libseccomp's users have it
      if (!rule.arguments.empty())
        call.with_arguments.push_back(&rule);
      else if (call.without == nullptr)
        call.without = &rule;
    }
  return calls;
}

Place emit_call(SeccompProgram& program, const CallRules& call, std::uint32_t default_action) {
  if (call.without != nullptr) return program.answer(call.without->action);
  Place next = program.answer(default_action);
  for (auto rule = call.with_arguments.rbegin(); rule != call.with_arguments.rend(); ++rule) {
    Place inner = program.answer((*rule)->action);
    for (auto argument = (*rule)->arguments.rbegin(); argument != (*rule)->arguments.rend(); ++argument)
      inner = program.test(*argument, inner, next);
    next = inner;
  }
  return next;
}

bool is_permissive(std::uint32_t action) {
  const std::uint32_t kind = action & SECCOMP_RET_ACTION_FULL;
  return kind == SECCOMP_RET_ALLOW || kind == SECCOMP_RET_LOG || kind == SECCOMP_RET_TRACE;
}

/// What is answered to calls that are newer than all that the profile knows: ENOSYS, so that programs fall back to
/// older ones, as runc does for the architectures that a profile names.
std::uint32_t action_for_newer(const SeccompProfile& profile, const SyscallArchitecture& architecture) {
  const bool is_named = std::any_of(profile.architectures.begin(), profile.architectures.end(), [&](const auto& name) {
    const std::optional<SyscallArchitecture> one = find_architecture(name);
    return one && one->name == architecture.name;
  });
  return is_named && !is_permissive(profile.default_action) ? SECCOMP_RET_ERRNO | ENOSYS : profile.default_action;
}

/// From `first` up to the next segment's first, all numbers go to `place`.
struct Segment {
  std::uint32_t first;
  Place place;
};

std::vector<Segment> make_segments(SeccompProgram& program, const SeccompProfile& profile,
                                   const SyscallArchitecture& architecture) {
  const Place otherwise = program.answer(profile.default_action);
  std::vector<Segment> segments{{0, otherwise}};
  const auto begin_segment = [&](std::uint32_t first, Place place) {
    if (segments.back().first == first) segments.pop_back();
    if (segments.empty() || segments.back().place != place) segments.push_back({first, place});
  };
  const std::map<std::uint32_t, CallRules> calls = group_by_number(profile, architecture);
  for (const auto& [number, call] : calls) {
    begin_segment(number, emit_call(program, call, profile.default_action));
    begin_segment(number + 1, otherwise);
  }
  if (!calls.empty()) begin_segment(calls.rbegin()->first + 1, program.answer(action_for_newer(profile, architecture)));
  return segments;
}

/// Expects the number in the accumulator.
Place emit_search(SeccompProgram& program, const std::vector<Segment>& segments, std::size_t begin, std::size_t end) {
  if (end - begin == 1) return segments[begin].place;
  const std::size_t middle = begin + (end - begin) / 2;
  const Place upper = emit_search(program, segments, middle, end);
  const Place lower = emit_search(program, segments, begin, middle);
  return program.if_at_least(segments[middle].first, upper, lower);
}

Place emit_calls(SeccompProgram& program, const SeccompProfile& profile, const SyscallArchitecture& architecture) {
  const std::vector<Segment> segments = make_segments(program, profile, architecture);
  return emit_search(program, segments, 0, segments.size());
}

std::vector<SyscallArchitecture> architectures_of(const SeccompProfile& profile) {
  std::vector<SyscallArchitecture> found{native_architecture()};
  for (const std::string& name : profile.architectures) {
    const std::optional<SyscallArchitecture> one = find_architecture(name);
    if (one && one->name != found[0].name) found.push_back(*one);
  }
  return found;
}

/// x86_64 and x32 share an AUDIT_ARCH and differ in bit 30 of the number.
std::map<std::uint32_t, Place> emit_architectures(SeccompProgram& program, const SeccompProfile& profile) {
  const Place kill = program.answer(SECCOMP_RET_KILL_PROCESS);
  const std::uint32_t native = native_architecture().audit;
  std::map<std::uint32_t, Place> starts;
  Place x32 = kill;
  for (const SyscallArchitecture& architecture : architectures_of(profile)) {
    const Place search = emit_calls(program, profile, architecture);
    if (architecture.name == "SCMP_ARCH_X32")
      x32 = search;
    else
      starts[architecture.audit] = search;
  }
#if defined(__x86_64__)
  starts[native] = program.if_at_least(x32_bit, x32, starts[native]);
#else
  static_cast<void>(native);
  static_cast<void>(x32);
  static_cast<void>(x32_bit);
#endif
  for (auto& [audit, place] : starts) place = program.load(offsetof(seccomp_data, nr), place);
  return starts;
}

}  // namespace

std::vector<sock_filter> emit_seccomp(const SeccompProfile& profile) {
  SeccompProgram program;
  const std::map<std::uint32_t, Place> starts = emit_architectures(program, profile);
  Place next = program.answer(SECCOMP_RET_KILL_PROCESS);
  const std::uint32_t native = native_architecture().audit;
  for (const auto& [audit, place] : starts)
    if (audit != native) next = program.if_equal(audit, place, next);
  next = program.if_equal(native, starts.at(native), next);
  std::vector<sock_filter> filter = program.finish(program.load(offsetof(seccomp_data, arch), next));
  if (filter.size() > BPF_MAXINSNS)
    throw base::make_error(base::ErrorKind::unsupported, "the seccomp profile needs ", filter.size(),
                           " instructions; the kernel takes at most ", BPF_MAXINSNS);
  return filter;
}

}  // namespace runtime
