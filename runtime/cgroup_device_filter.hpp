#pragma once

#include <linux/bpf.h>
#include <vector>

namespace runtime {

/// Loads the program and attaches it to a v2 folder, in place of one that this function attached before.
/// Programs of others stay; a device is usable when all of them allow it.
/// @param folder  O_PATH is enough.
/// @return        0, or the errno of bpf(2): EPERM in a user namespace, where nobody may do this.
int attach_device_program(int folder, const std::vector<bpf_insn>& program);

}  // namespace runtime
