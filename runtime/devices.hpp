#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "base/fd.hpp"
#include "runtime/spec.hpp"

namespace runtime {

/// A device node of the host as a detached mount, verified to be the device that was meant.
struct HostDevice {
  std::string path;  ///< In the container, absolute.
  base::UniqueFd tree;
};

struct HostDevices {
  std::vector<HostDevice> standard;  ///< null, zero, full, random, urandom, tty; null is the first.
  std::vector<HostDevice> others;    ///< Of linux.devices.

  int null() const { return standard.front().tree.get(); }
};

/// mknod is EPERM in a user namespace, so nodes are bound from the host's /dev. Call it in the new mount namespace.
HostDevices clone_host_devices(const std::vector<Device>& devices);

/// Device nodes and links in the fresh tmpfs of /dev. Source: runtime-spec config-linux.md "Default Devices".
void populate_dev(int dev, const HostDevices& devices);

/// linux.devices anywhere else in the root file system. Those below /dev were made by populate_dev.
void bind_other_devices(int root, const HostDevices& devices);

/// /dev/console: the slave of the container's own pty.
void bind_console(int dev, int terminal_slave);

}  // namespace runtime
