#pragma once

#include "runtime/spec.hpp"

namespace runtime {

/// Whether the program of a process can be executed, as far as that shows before it is: `create` is to fail already
/// when it is not there, not `start`, hours later. To be called inside the container's root file system; rights of the
/// process's own user are left to execve(2).
/// @throws Error command_not_found or command_not_usable, in the words of wait_for_exec.
void check_executable(const Process& process);

}  // namespace runtime
