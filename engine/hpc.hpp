#pragma once

#include "engine/run_options.hpp"
#include "rootless/host_facts.hpp"

namespace engine {

/// `--hpc`: what a batch job expects of a container, as apptainer has it. The caller's own id and no other, its home,
/// working directory and /tmp, its environment, the host's network, processes, ipc and hostname, and an image that is
/// only read. What `options` says already of a place or of the user stays. @param work_dir  The caller's.
/// @param needs_root  The runtime is one that needs a user 0 in the container, so there are others after all.
void apply_hpc_profile(RunOptions& options, const rootless::HostFacts& host, const std::string& work_dir,
                       bool needs_root = false);

}  // namespace engine
