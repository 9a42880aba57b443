#pragma once

#include <memory>
#include <string>

#include "base/fd.hpp"

namespace registry {

/// Opens an image archive for reading at any place. A compressed one (gzip, zstd, xz, bzip2), a pipe or a device is
/// copied, uncompressed, to an unnamed file in the folder for temporary files first.
/// @throws Error not_found, corrupt, no_space.
std::shared_ptr<const base::UniqueFd> open_archive_file(const std::string& path);

/// A file without a name in the folder for temporary files: it is gone when its last descriptor closes, also after a
/// crash. For reading and writing.
base::UniqueFd make_unnamed_file();

/// Whether its first bytes say xz or bzip2: kinds that archives have and layers have not.
bool is_compressed_for_archives_only(int fd);
/// The uncompressed bytes of `fd`, from its position on, in an unnamed file. @throws Error corrupt, no_space.
base::UniqueFd uncompressed_copy(int fd);

}  // namespace registry
