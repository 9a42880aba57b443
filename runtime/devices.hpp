#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <sys/types.h>
#include <vector>

#include "base/fd.hpp"
#include "runtime/spec.hpp"

namespace runtime {

/// One device that the container gets, by its path in there.
struct HostDevice {
  Device device;
  base::UniqueFd tree;  ///< The host's node as a detached mount, verified to be this device; empty where it has none.
};

struct HostDevices {
  std::vector<HostDevice> standard;  ///< null, zero, full, random, urandom, tty.
  std::vector<HostDevice> others;    ///< Of linux.devices.
  base::UniqueFd mask;               ///< /dev/null once more, for masked files.

  int null() const noexcept { return mask.get(); }
};

/// The host's nodes, for wherever mknod is refused, as in every user namespace; a host node serves if it has the
/// container's path, or the name that the kernel gives the device. Call it in the new mount namespace.
HostDevices clone_host_devices(const std::vector<Device>& devices);

/// Device nodes and links in the fresh tmpfs of /dev: made where the kernel lets us, so that what the container does to
/// their owner and mode stays in it, else bound. Source: runtime-spec config-linux.md "Default Devices".
void populate_dev(int dev, const HostDevices& devices);

/// linux.devices anywhere else in the root file system. Those below /dev were made by populate_dev.
/// @throws Error already_exists, when something else is there.
void make_other_devices(int root, const HostDevices& devices);

/// /dev/console: the slave of the container's own pty.
void bind_console(int dev, int terminal_slave);

/// Pure: DEVNAME of a uevent file in /sys/dev, as a path; nothing when there is none.
std::optional<std::string> device_path_of(std::string_view uevent);

}  // namespace runtime
