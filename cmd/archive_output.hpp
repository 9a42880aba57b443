#pragma once

#include <functional>
#include <string>

#include "cmd/invocation.hpp"

namespace cmd {

/// Has an archive written to the file at `path`, which is made anew where there is none, and then taken away again
/// unless all of the archive is in it; with an empty path to standard output, unless that is a terminal.
void write_archive(const Invocation& invocation, const std::string& path, const std::function<void(int fd)>& write);

}  // namespace cmd
