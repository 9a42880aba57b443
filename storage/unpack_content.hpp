#pragma once

#include <string>

#include "storage/unpack_tar.hpp"

namespace storage {

/// Writes the content of `entry`, holes left out, into the empty file `fd`. Returns its SHA-256 in hex, holes counting
/// as zeros. @throws Error corrupt, when the archive ends early; whatever write(2) says.
std::string write_content(int fd, const tar::Entry& entry, tar::Reader& archive);

}  // namespace storage
