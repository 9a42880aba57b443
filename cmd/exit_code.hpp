#pragma once

#include "base/error.hpp"

namespace cmd {

inline constexpr int exit_failed = 125;            ///< We failed, not the container's command.
inline constexpr int exit_closed_pipe = 128 + 13;  ///< As the shell shows a process that SIGPIPE ended.

/// The one table from kinds of errors to exit codes. Source: podman-run(1) "Exit Status"; 130 is 128 + SIGINT.
int exit_code_of(base::ErrorKind kind) noexcept;

/// For rm and rmi: 1 missing, 2 in use, else as exit_code_of. Source: podman-rm(1), podman-rmi(1) "Exit Status".
int removal_exit_code_of(base::ErrorKind kind) noexcept;

}  // namespace cmd
