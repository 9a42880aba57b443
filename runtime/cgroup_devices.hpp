#pragma once

#include <linux/bpf.h>
#include <string>
#include <vector>

#include "runtime/cgroup_resources.hpp"
#include "runtime/spec.hpp"

// Which devices a container may use: rules in their order; for each of read, write and mknod the last rule that fits
// decides, and what no rule fits is denied.

namespace runtime {

/// Pure: the rules that are enforced. The list of linux.resources where it has one, else all of linux.devices; then
/// the devices of every container (null, zero, full, random, urandom, tty, console, ptmx, pts), and mknod of all.
std::vector<DeviceRule> device_rules(const Resources& resources, const std::vector<DeviceRule>& devices);

/// Rules that allow what is in linux.devices; FIFOs need none.
std::vector<DeviceRule> rules_for(const std::vector<Device>& devices);

/// Pure: true when the rules allow everything, so that nothing needs to be enforced.
bool allows_everything(const std::vector<DeviceRule>& rules);

/// Pure: a program of type BPF_PROG_TYPE_CGROUP_DEVICE that returns 1 for what the rules allow. Source:
/// linux/bpf.h (bpf_cgroup_dev_ctx), bpf-helpers(7).
std::vector<bpf_insn> device_program(const std::vector<DeviceRule>& rules);

/// One write to a control file of the v1 controller.
struct DeviceWrite {
  const char* file;  ///< "devices.allow" or "devices.deny"
  std::string value;
};
/// Pure: the same for cgroup v1, where a rule for all types with numbers is written once a type.
std::vector<DeviceWrite> device_writes(const std::vector<DeviceRule>& rules);

}  // namespace runtime
