#pragma once

#include <string>
#include <sys/types.h>

#include "runtime/spec.hpp"

namespace engine {

/// For `engine runtime`: writes the mappings that config.json asks for to a process that waits in its new user
/// namespace; directly where the kernel lets us, else through newuidmap and newgidmap.
void write_spec_id_maps(const runtime::Spec& spec, pid_t pid, int proc_pid_fd);

/// Where `engine runtime` keeps the state of its containers unless --root says otherwise.
std::string oci_state_root();

}  // namespace engine
