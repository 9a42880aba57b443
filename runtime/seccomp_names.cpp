#include "runtime/seccomp_names.hpp"

#include <algorithm>
#include <array>
#include <linux/audit.h>
#include <seccomp.h>
#include <utility>

#include "base/text.hpp"

namespace runtime {
namespace {

#if defined(__x86_64__)
constexpr std::array<SyscallArchitecture, 3> architectures = {{
    {"SCMP_ARCH_X86_64", AUDIT_ARCH_X86_64, SCMP_ARCH_X86_64},
    {"SCMP_ARCH_X86", AUDIT_ARCH_I386, SCMP_ARCH_X86},
    {"SCMP_ARCH_X32", AUDIT_ARCH_X86_64, SCMP_ARCH_X32},
}};
#else
constexpr std::array<SyscallArchitecture, 2> architectures = {{
    {"SCMP_ARCH_AARCH64", AUDIT_ARCH_AARCH64, SCMP_ARCH_AARCH64},
    {"SCMP_ARCH_ARM", AUDIT_ARCH_ARM, SCMP_ARCH_ARM},
}};
#endif

/// Source: runtime-spec config-linux.md "Seccomp".
constexpr std::array<std::string_view, 24> all_architectures = {
    "SCMP_ARCH_NATIVE",      "SCMP_ARCH_X86",         "SCMP_ARCH_X86_64", "SCMP_ARCH_X32",       "SCMP_ARCH_ARM",
    "SCMP_ARCH_AARCH64",     "SCMP_ARCH_MIPS",        "SCMP_ARCH_MIPS64", "SCMP_ARCH_MIPS64N32", "SCMP_ARCH_MIPSEL",
    "SCMP_ARCH_MIPSEL64",    "SCMP_ARCH_MIPSEL64N32", "SCMP_ARCH_PPC",    "SCMP_ARCH_PPC64",     "SCMP_ARCH_PPC64LE",
    "SCMP_ARCH_S390",        "SCMP_ARCH_S390X",       "SCMP_ARCH_PARISC", "SCMP_ARCH_PARISC64",  "SCMP_ARCH_RISCV64",
    "SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_M68K",        "SCMP_ARCH_SH",     "SCMP_ARCH_SHEB",
};

using Entry = std::pair<std::string_view, std::uint32_t>;

/// Newer than Debian 12's libseccomp. From 424 on a call has the same number everywhere. Source: syscall_64.tbl, 6.17.
constexpr std::array<Entry, 20> newer = {{
    {"set_mempolicy_home_node", 450},
    {"cachestat", 451},
    {"fchmodat2", 452},
    {"map_shadow_stack", 453},
    {"futex_wake", 454},
    {"futex_wait", 455},
    {"futex_requeue", 456},
    {"statmount", 457},
    {"listmount", 458},
    {"lsm_get_self_attr", 459},
    {"lsm_set_self_attr", 460},
    {"lsm_list_modules", 461},
    {"mseal", 462},
    {"setxattrat", 463},
    {"getxattrat", 464},
    {"listxattrat", 465},
    {"removexattrat", 466},
    {"open_tree_attr", 467},
    {"file_getattr", 468},
    {"file_setattr", 469},
}};

/// libseccomp gives these made-up numbers on i386, where they once existed only as socketcall(2) and ipc(2).
/// Source: syscall_32.tbl.
constexpr std::array<Entry, 25> i386_direct = {{
    {"socket", 359},  {"socketpair", 360}, {"bind", 361},       {"connect", 362},     {"listen", 363},
    {"accept4", 364}, {"getsockopt", 365}, {"setsockopt", 366}, {"getsockname", 367}, {"getpeername", 368},
    {"sendto", 369},  {"sendmsg", 370},    {"recvfrom", 371},   {"recvmsg", 372},     {"shutdown", 373},
    {"semget", 393},  {"semctl", 394},     {"shmget", 395},     {"shmctl", 396},      {"shmat", 397},
    {"shmdt", 398},   {"msgget", 399},     {"msgsnd", 400},     {"msgrcv", 401},      {"msgctl", 402},
}};

template <std::size_t Size>
std::optional<std::uint32_t> look_up(const std::array<Entry, Size>& table, std::string_view name) {
  const auto found = std::find_if(table.begin(), table.end(), [&](const Entry& entry) { return entry.first == name; });
  if (found == table.end()) return std::nullopt;
  return found->second;
}

}  // namespace

const SyscallArchitecture& native_architecture() noexcept {
  return architectures[0];
}

bool is_architecture_name(std::string_view name) noexcept {
  return std::find(all_architectures.begin(), all_architectures.end(), name) != all_architectures.end();
}

std::optional<SyscallArchitecture> find_architecture(std::string_view name) noexcept {
  for (const SyscallArchitecture& architecture : architectures)
    if (architecture.name == name || (name == "SCMP_ARCH_NATIVE" && &architecture == &architectures[0]))
      return architecture;
  return std::nullopt;
}

std::optional<std::uint32_t> syscall_number(const SyscallArchitecture& architecture, const std::string& name) {
  const int number = ::seccomp_syscall_resolve_name_arch(architecture.token, name.c_str());
  if (number >= 0) return static_cast<std::uint32_t>(number);
  if (architecture.token == SCMP_ARCH_X86)
    if (const std::optional<std::uint32_t> direct = look_up(i386_direct, name)) return direct;
  const std::optional<std::uint32_t> known = look_up(newer, name);
  constexpr std::uint32_t x32_bit = 0x40000000;
  if (known && architecture.token == SCMP_ARCH_X32) return *known | x32_bit;
  return known;
}

std::string syscall_table_version() {
  const scmp_version* version = ::seccomp_version();
  return base::concat(version->major, '.', version->minor, '.', version->micro);
}

}  // namespace runtime
