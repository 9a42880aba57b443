#include "runtime/cgroup_device_filter.hpp"

#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <string_view>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.hpp"

namespace runtime {
namespace {

constexpr std::string_view program_name = "engine_devices";
constexpr std::size_t max_attached = 64;  // the kernel's own limit for a cgroup

int bpf(int command, bpf_attr& attributes) {
  return static_cast<int>(::syscall(SYS_bpf, command, &attributes, sizeof attributes));
}

std::uint64_t address_of(const void* memory) {
  return reinterpret_cast<std::uintptr_t>(memory);
}

base::UniqueFd load_program(const std::vector<bpf_insn>& program) {
  bpf_attr attributes{};
  attributes.prog_type = BPF_PROG_TYPE_CGROUP_DEVICE;
  attributes.insns = address_of(program.data());
  attributes.insn_cnt = static_cast<std::uint32_t>(program.size());
  attributes.license = address_of("GPL");
  static_assert(program_name.size() < sizeof attributes.prog_name);
  std::memcpy(attributes.prog_name, program_name.data(), program_name.size());
  return base::UniqueFd{bpf(BPF_PROG_LOAD, attributes)};  // close-on-exec by itself
}

bool is_ours(int program) {
  bpf_prog_info info{};
  bpf_attr attributes{};
  attributes.info.bpf_fd = static_cast<std::uint32_t>(program);
  attributes.info.info_len = sizeof info;
  attributes.info.info = address_of(&info);
  return bpf(BPF_OBJ_GET_INFO_BY_FD, attributes) == 0 && program_name == info.name;
}

/// The program that was attached before; empty when there is none, or when it cannot be found out.
base::UniqueFd attached_before(int folder) {
  std::array<std::uint32_t, max_attached> ids{};
  bpf_attr attributes{};
  attributes.query.target_fd = static_cast<std::uint32_t>(folder);
  attributes.query.attach_type = BPF_CGROUP_DEVICE;
  attributes.query.prog_ids = address_of(ids.data());
  attributes.query.prog_cnt = ids.size();
  if (bpf(BPF_PROG_QUERY, attributes) != 0) return {};
  for (std::uint32_t at = 0; at < attributes.query.prog_cnt && at < ids.size(); ++at) {
    bpf_attr wanted{};
    wanted.prog_id = ids[at];
    base::UniqueFd program{bpf(BPF_PROG_GET_FD_BY_ID, wanted)};
    if (program && is_ours(program.get())) return program;
  }
  return {};
}

bpf_attr attachment(int folder, int program) {
  bpf_attr attributes{};
  attributes.target_fd = static_cast<std::uint32_t>(folder);
  attributes.attach_bpf_fd = static_cast<std::uint32_t>(program);
  attributes.attach_type = BPF_CGROUP_DEVICE;
  return attributes;
}

}  // namespace

int attach_device_program(int folder, const std::vector<bpf_insn>& program) {
  // The kernel wants a real descriptor of the folder for this.
  const base::UniqueFd cgroup{::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!cgroup) return errno;
  const base::UniqueFd loaded = load_program(program);
  if (!loaded) return errno;
  const base::UniqueFd old = attached_before(cgroup.get());
  bpf_attr attributes = attachment(cgroup.get(), loaded.get());
  attributes.attach_flags = BPF_F_ALLOW_MULTI;
  if (old) {
    attributes.attach_flags |= BPF_F_REPLACE;
    attributes.replace_bpf_fd = static_cast<std::uint32_t>(old.get());
    if (bpf(BPF_PROG_ATTACH, attributes) == 0) return 0;
    // Linux before 5.6 replaces nothing: both are there for a moment, then the new one alone.
    attributes = attachment(cgroup.get(), loaded.get());
    attributes.attach_flags = BPF_F_ALLOW_MULTI;
  }
  if (bpf(BPF_PROG_ATTACH, attributes) != 0) return errno;
  if (old) {
    bpf_attr former = attachment(cgroup.get(), old.get());
    if (bpf(BPF_PROG_DETACH, former) != 0) return errno;
  }
  return 0;
}

}  // namespace runtime
