#pragma once

#include <string>
#include <sys/types.h>
#include <vector>

#include "base/process.hpp"
#include "rootless/network_options.hpp"

namespace engine {

/// A process that answers datagrams of the host itself to published ports, as long as the container lives and with the
/// lock of its ports (rootless/host_datagrams.hpp). Empty where none is needed and, with a warning, where none can be.
/// @param container  A child of ours that was not reaped.
base::Child start_host_datagrams(pid_t container, const std::string& helper, const rootless::NetworkOptions& options,
                                 int ports_lock);

/// `engine _network datagrams SIDE...`: descriptors 3, 4 and 5 are a container's user and network namespace and its
/// pidfd. It says on its standard output what does not work, then "+". @return an exit code.
int host_datagrams_child(const std::vector<std::string>& words);

}  // namespace engine
