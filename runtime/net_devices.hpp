#pragma once

#include <string>
#include <sys/types.h>
#include <utility>
#include <vector>

namespace runtime {

/// Moves network devices of our network namespace into that of `pid`, gives them their names there and their permanent
/// global addresses back, and sets them up; what else they have, they keep. Needs the privileges of the host's root.
/// Nothing when `devices` is empty.
/// @param devices  Name here, and name there: empty for the same, or a pattern with "%d" that the kernel completes.
/// @throws Error naming the device. Source: runtime-spec config-linux.md "Network Devices", rtnetlink(7).
void move_net_devices(const std::vector<std::pair<std::string, std::string>>& devices, pid_t pid);

}  // namespace runtime
