#pragma once

#include <string>

#include "base/error.hpp"
#include "base/log.hpp"

namespace cmd {

enum class OciLogFormat { text, json };

/// From now on log lines are appended to the file, made 0644 when absent. One that cannot be opened is a warning on
/// standard error, since what the caller asked for matters more.
void open_oci_log(const std::string& path, OciLogFormat format);

/// The message of an error as callers look for it: with the text of its errno, even where people need none. podman,
/// docker and containerd search for "no such file or directory", "permission denied" and "executable file not found in
/// $PATH" to choose between the exit codes 126 and 127.
base::Error for_callers(const base::Error& error);

/// One line for the file of open_oci_log; none without one.
void log_oci_error(const base::Error& error) noexcept;

}  // namespace cmd
