#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/stream.hpp"
#include "storage/unpack_limits.hpp"

namespace storage {

/// The annotations of a layer's descriptor that tell readers where its table of contents lies.
using ChunkedAnnotations = std::vector<std::pair<std::string, std::string>>;

/// The tar `plain` as zstd:chunked: any reader of zstd gets the same tar out of it, while others find a table of its
/// files at the end and can fetch single ones, as the content of each is a frame of its own.
/// @param level  1–22; nothing: zstd's own.
/// @throws Error corrupt, for what is no tar; unsupported, for sparse files, which the table cannot describe.
/// Source: containers/storage, docs "zstd:chunked"; the table is that of CRFS; RFC 8878 3.1.2 "Skippable Frames".
ChunkedAnnotations compress_chunked(base::Source& plain, base::Sink& to, std::optional<unsigned> level,
                                    const UnpackLimits& limits);

}  // namespace storage
