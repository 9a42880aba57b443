#pragma once

#include <memory>
#include <string>

#include "base/fd.hpp"
#include "registry/http.hpp"
#include "registry/spool_place.hpp"

namespace registry {

/// The tar of a file system, to be read at any place: a file, "-" for standard input, or an http or https URL. gzip and
/// zstd stay as they are; xz and bzip2, which no layer may have, are uncompressed. What is no file is copied to one
/// without a name first. @throws Error not_found, network, no_space.
std::shared_ptr<const base::UniqueFd> open_tarball(const std::string& place, const HttpSettings& settings,
                                                   const SpoolPlace& spool);

}  // namespace registry
