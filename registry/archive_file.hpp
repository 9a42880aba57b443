#pragma once

#include <memory>
#include <string>

#include "base/fd.hpp"
#include "registry/spool_place.hpp"

namespace registry {

/// Opens an image archive for reading at any place. A compressed one (gzip, zstd, xz, bzip2), a pipe or a device is
/// copied, uncompressed, to a file without a name first.
/// @throws Error not_found, corrupt, no_space.
std::shared_ptr<const base::UniqueFd> open_archive_file(const std::string& path, const SpoolPlace& spool);

/// Whether its first bytes say xz or bzip2: kinds that archives have and layers have not.
bool is_compressed_for_archives_only(int fd);
/// The uncompressed bytes of `fd`, from its position on, in a file without a name, to be read from its start.
/// @throws Error corrupt, no_space.
base::UniqueFd uncompressed_copy(int fd, const SpoolPlace& spool);

}  // namespace registry
