#pragma once

#include <cstddef>
#include <optional>
#include <string>

namespace base {

/// A whole file of the host's or the user's configuration (/etc/passwd, containers.conf): symbolic links are followed,
/// as administrators and users make them. Nothing on ENOENT, ENOTDIR and EACCES.
/// @throws Error corrupt, when it is longer than `limit_bytes`.
std::optional<std::string> try_read_host_file(const std::string& path, std::size_t limit_bytes);

}  // namespace base
