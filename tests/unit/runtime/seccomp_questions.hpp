#pragma once

#include <array>
#include <cerrno>
#include <doctest/doctest.h>
#include <optional>
#include <string>
#include <vector>

#include "runtime/seccomp.hpp"
#include "runtime/seccomp_names.hpp"
#include "tests/unit/runtime/bpf_interpreter.hpp"

// Asking a compiled filter about one system call.

namespace runtime {

using Arguments = std::array<std::uint64_t, 6>;

constexpr std::uint32_t allow = SECCOMP_RET_ALLOW;
constexpr std::uint32_t eperm = SECCOMP_RET_ERRNO | EPERM;
constexpr std::uint32_t enosys = SECCOMP_RET_ERRNO | ENOSYS;
constexpr std::uint32_t einval = SECCOMP_RET_ERRNO | EINVAL;

inline seccomp_data call_data(std::uint32_t audit, std::uint32_t number, const Arguments& arguments) {
  seccomp_data data{};
  data.nr = static_cast<int>(number);
  data.arch = audit;
  for (std::size_t index = 0; index < arguments.size(); ++index) data.args[index] = arguments[index];
  return data;
}

inline std::uint32_t ask(const std::vector<sock_filter>& program, const std::string& name,
                         const Arguments& arguments = {},
                         const SyscallArchitecture& architecture = native_architecture()) {
  const std::optional<std::uint32_t> number = syscall_number(architecture, name);
  REQUIRE(number.has_value());
  const std::optional<std::uint32_t> answer = run_filter(program, call_data(architecture.audit, *number, arguments));
  REQUIRE(answer.has_value());
  return *answer;
}

inline std::vector<sock_filter> compile(const std::string& json) {
  return compile_seccomp(json, -1).program;
}

}  // namespace runtime
