#pragma once

#include <string>

#include "base/fd.hpp"
#include "cmd/oci_verbs.hpp"

namespace cmd {

/// Sends a pty master to whoever listens on a console socket: the name of the terminal with the descriptor.
/// Source: runc docs/terminals.md "Other signals", conmon.
void send_console(const std::string& socket_path, int terminal);

/// Writes a pid as decimal text, whole or not at all.
void write_pid_file(const std::string& path, pid_t pid);

}  // namespace cmd
