#include "runtime/capability_names.hpp"

#include <algorithm>
#include <array>
#include <sys/prctl.h>

namespace runtime {
namespace {

constexpr std::array<std::string_view, 41> names = {
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
};

}  // namespace

std::optional<unsigned> capability_number(std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<unsigned>(found - names.begin());
}

std::string_view capability_name(unsigned number) {
  return number < names.size() ? names[number] : std::string_view{};
}

std::uint64_t capability_bits(const std::vector<std::string>& wanted) {
  std::uint64_t bits = 0;
  for (const std::string& name : wanted)
    if (const std::optional<unsigned> number = capability_number(name)) bits |= std::uint64_t{1} << *number;
  return bits;
}

std::vector<std::string> all_capability_names() {
  return {names.begin(), names.end()};
}

std::uint64_t kernel_capability_bits() {
  // The kernel knows all up to its last one, and answers EINVAL beyond.
  unsigned known = 0, unknown = 64;
  while (unknown - known > 1) {
    const unsigned middle = (known + unknown) / 2;
    (::prctl(PR_CAPBSET_READ, middle, 0, 0, 0) >= 0 ? known : unknown) = middle;
  }
  return ~std::uint64_t{0} >> (63 - known);
}

}  // namespace runtime
