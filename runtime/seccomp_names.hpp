#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace runtime {

/// A way of making system calls that the kernel tells apart: its AUDIT_ARCH_x and libseccomp's SCMP_ARCH_x.
struct SyscallArchitecture {
  std::string_view name;  ///< "SCMP_ARCH_X86_64"
  std::uint32_t audit;
  std::uint32_t token;
};

/// The one this program was built for.
const SyscallArchitecture& native_architecture() noexcept;
/// Whether it is one of the names that the runtime-spec lists, or SCMP_ARCH_NATIVE.
bool is_architecture_name(std::string_view name) noexcept;
/// Nothing for architectures that cannot run on this machine; their code never executes, so no filter is needed.
std::optional<SyscallArchitecture> find_architecture(std::string_view name) noexcept;
/// The number, for x32 with its bit 30; nothing when the architecture has no such call or we do not know it.
std::optional<std::uint32_t> syscall_number(const SyscallArchitecture& architecture, const std::string& name);
/// Version of libseccomp, whose table of names it is.
std::string syscall_table_version();

}  // namespace runtime
